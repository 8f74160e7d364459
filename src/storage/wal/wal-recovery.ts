/**
 * Reads the segments that earlier runs left, in the order of run, worker and segment, and judges what is no record.
 *
 * Invariants:
 * - Every record whose sync was acknowledged is handed out, unless its bytes have changed since; damage is reported with
 *   file and offset and never handed out.
 * - A gap is torn when no later record vouches for it: nobody was told that it is durable. Any other gap is damage, and so
 *   is what a segment lacks of its length, or a segment that is not there while records of it are needed.
 * - Damage names the shards that may lack records: exactly where a vouch reaches back over it, else all that later records
 *   do not prove to be whole.
 * - A segment that goes while the folder is read is passed over: workers that opened before may release theirs, and
 *   what they release nobody needs.
 *
 * Not here: which shard's home takes a record, what follows from damage (store/log/log-damage.ts).
 */
import type { Disk, DiskFile } from '../../env/disk.ts';
import { RecordUse, type KeptRecords, type RecordIndex } from '../../kernels/record-index.ts';
import { RecordScan, type ScannedRecords } from '../../kernels/record-scan.ts';
import { FoundRecords } from './found-records.ts';
import { readSegment, scannedRecord, type WalGap } from './read-segment.ts';
import { openPresent } from './open-present.ts';
import { parseSegmentName, type SegmentName } from './segment-name.ts';
import { WalRecordKind, type WalRecord, type WalRecordHeader } from './wal-record.ts';
import { decodeVouch, type WalVouch } from './wal-vouch.ts';
import type { WalSegment } from './wal-writer.ts';

export interface WalDamage {
  readonly path: string;
  readonly offset: number;
  readonly lengthBytes: number;
  /**
   * Torn: never acknowledged. Unreadable: the disk failed to read it, which it may not do the next time. Short: of the log as a
   * whole, which ends before it did when it was closed.
   */
  readonly kind: 'torn' | 'damaged' | 'unreadable' | 'missing' | 'short';
  /** Of the segment's header checksums. */
  readonly salt: number;
  /** Up to the end of the segment. */
  readonly isTail: boolean;
  /** Last sequences of the shards that may lack records of here; undefined when that is not known. */
  readonly sequences: ReadonlyMap<number, number> | undefined;
}

export interface WalVisitor {
  /** Says what becomes of the records of each shard. */
  readonly index: RecordIndex;
  /** Gets those that are handed out, in the order of the log; the record's bytes hold until what it answers is done. */
  onRecord(record: WalRecord): Promise<void> | void;
  /** Gets those that wait, many at a time, and before those that are handed out of the same bytes. */
  onKept?(kept: KeptRecords): Promise<void> | void;
  /** Told after the records of a segment. */
  onSegment?(segment: WalSegment): void;
}

export interface RecoveredWal {
  /** The highest number of a run, 0 when there is none. */
  readonly run: number;
  readonly found: FoundRecords;
  /** In the order of the log. */
  readonly damage: readonly WalDamage[];
  /** Segments without a byte: where a crash came before the first record of one was durable, or of one that was cut to nothing. */
  readonly emptyPaths: readonly string[];
}

/** Visits all records under `folder`. Changes nothing on the disk. */
export async function recoverWal(
  disk: Disk,
  folder: string,
  visitor: WalVisitor,
): Promise<RecoveredWal> {
  let run = 0;
  const found = new FoundRecords(visitor.index);
  const logs = new Map<string, SegmentFindings[]>();
  for (const { name } of await disk.list(folder)) {
    const parsed = parseSegmentName(name);
    if (parsed === undefined) continue;
    run = Math.max(run, parsed.run);
    const file = await openPresent(disk, `${folder}/${name}`);
    if (file === undefined) continue;
    try {
      const findings = await recoverSegment(file, parsed, { visitor, found });
      const key = `${parsed.run} ${parsed.worker}`;
      const log = logs.get(key);
      if (log === undefined) logs.set(key, [findings]);
      else log.push(findings);
    } finally {
      await file.close();
    }
  }
  const segments = [...logs.values()];
  const emptyPaths = segments.flat().flatMap(({ path, lengthBytes }) => lengthBytes === 0 ? [path] : []); // prettier-ignore
  return { run, found, damage: segments.flatMap((log) => judgeLog(folder, log)), emptyPaths };
}

/** What is to be known of a segment once all of its log has been read. */
interface SegmentFindings {
  readonly path: string;
  readonly name: SegmentName;
  readonly lengthBytes: number;
  readonly gaps: readonly WalGap[];
  /** In order; the first one may speak of an earlier segment. */
  readonly vouches: readonly WalVouch[];
}

async function recoverSegment(
  file: DiskFile,
  name: SegmentName,
  { visitor, found }: { readonly visitor: WalVisitor; readonly found: FoundRecords },
): Promise<SegmentFindings> {
  const gaps: WalGap[] = [];
  const vouches: WalVouch[] = [];
  const { index } = visitor;
  const segment = found.begin(file.path);
  const onVouch = (payload: Uint8Array): void => {
    keepVouch(vouches, decodeVouch(payload), gaps);
  };
  await readSegment(file, name.salt, {
    scan: new RecordScan(index.kernel),
    onGap: (gap) => gaps.push(gap),
    onRecord: ({ payload, ...record }, offset) => {
      const { kind, shardId, sequence } = record;
      if (kind === WalRecordKind.vouch) onVouch(payload);
      else if (index.noteOne(shardId, sequence, { segment, offset }) !== RecordUse.unwanted)
        return visitor.onRecord({ ...record, payload });
      return undefined;
    },
    onRecords: (records, count, offset) => {
      for (const at of index.note(records, count, { segment, offset }))
        onVouch(scannedRecord(records, at).payload);
      return handOut(index.keep(records, count), { records, visitor });
    },
  });
  const { path, lengthBytes } = file;
  visitor.onSegment?.({ path, lengthBytes, sequences: index.sequencesIn(segment) });
  return { path, name, lengthBytes, gaps, vouches };
}

/** Undefined where nobody has to be waited for, as with nearly all. */
function handOut(
  kept: KeptRecords,
  { records, visitor }: { readonly records: ScannedRecords; readonly visitor: WalVisitor },
): Promise<void> | void {
  // Before the kernel does other work.
  const handed = kept.handed.map((at) => scannedRecord(records, at));
  const keeping = kept.count === 0 ? undefined : visitor.onKept?.(kept);
  if (keeping === undefined && handed.length === 0) return;
  const each = async (): Promise<void> => {
    await keeping;
    for (const record of handed) {
      const taken = visitor.onRecord(record);
      if (taken !== undefined) await taken;
    }
  };
  return each();
}

/** The first one, the latest one, and the first after each gap are all that judging needs. */
function keepVouch(vouches: WalVouch[], vouch: WalVouch, gaps: readonly WalGap[]): void {
  const [before, last] = vouches.slice(-2);
  if (before !== undefined && last !== undefined) {
    const from = before.segment === last.segment ? before.to : 0;
    const isFirstAfterGap = gaps.some(({ offset }) => from <= offset && offset < last.to);
    if (!isFirstAfterGap) vouches.pop();
  }
  vouches.push(vouch);
}

/** `log` are the segments of one worker and run, in order. */
function judgeLog(folder: string, log: readonly SegmentFindings[]): readonly WalDamage[] {
  return log.flatMap((segment, i) => {
    // Behind it may lie one that a full disk has left: it speaks of this one as well, and so does the next.
    const about = log
      .slice(i)
      .flatMap(({ vouches }) => vouches)
      .filter((vouch) => vouch.segment === segment.name.segment);
    const gaps = withLack(segment, about[about.length - 1]?.to ?? 0);
    return [
      ...missingBefore(folder, segment, log.slice(0, i)),
      ...gaps.map((gap) => judgeGap(segment, gap, about)),
    ];
  });
}

/** The gaps of a segment, with what it lacks of the bytes that were durable. */
function withLack({ gaps, lengthBytes }: SegmentFindings, durableBytes: number): readonly WalGap[] {
  if (durableBytes <= lengthBytes) return gaps;
  const last = gaps.at(-1);
  const isTail = last?.end === lengthBytes;
  const lack = {
    offset: isTail ? last.offset : lengthBytes,
    end: durableBytes,
    header: undefined,
    isUnreadable: isTail && last.isUnreadable,
    isFollowed: false,
  };
  return [...gaps.slice(0, isTail ? -1 : undefined), lack];
}

function judgeGap(
  { path, name }: SegmentFindings,
  { offset, end, header, isUnreadable, isFollowed }: WalGap,
  vouches: readonly WalVouch[],
): WalDamage {
  const place = { path, offset, lengthBytes: end - offset, salt: name.salt, isTail: !isFollowed };
  const vouch = vouches.find(({ to }) => to > offset);
  if (vouch === undefined && !isUnreadable) return { ...place, kind: 'torn', sequences: new Map() };
  const kind = isUnreadable ? 'unreadable' : 'damaged';
  if (header !== undefined) return { ...place, kind, sequences: sequencesOf(header) };
  const isCovered = vouch !== undefined && vouch.from <= offset;
  return { ...place, kind, sequences: isCovered ? vouch.sequences : undefined };
}

function sequencesOf({ kind, shardId, sequence }: WalRecordHeader): ReadonlyMap<number, number> {
  const isOfShard =
    kind === WalRecordKind.points || kind === WalRecordKind.delete || kind === WalRecordKind.types;
  return new Map(isOfShard ? [[shardId, sequence]] : []);
}

/**
 * A segment that is not there was released, or is lost: its shards tell by what they still need of it. It need not be the
 * one right before: one that a full disk broke off, and that could not be removed, lies between.
 */
function missingBefore(
  folder: string,
  { name, vouches }: SegmentFindings,
  before: readonly SegmentFindings[],
): readonly WalDamage[] {
  const head = vouches[0];
  if (head === undefined || head.segment === name.segment) return [];
  if (before.some((one) => one.name.segment === head.segment)) return [];
  const { from, to, sequences } = head;
  const path = `${folder}: segment ${head.segment} of run ${name.run}, worker ${name.worker}`;
  return [{ path, offset: from, lengthBytes: to - from, kind: 'missing', salt: name.salt, isTail: true, sequences }]; // prettier-ignore
}
