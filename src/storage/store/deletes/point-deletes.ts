/**
 * Deletes points of a shard: one delete after the other, with no compaction meanwhile.
 *
 * Invariants:
 * - what has an earlier stamp than the delete is deleted, whether it is here or comes late; what has a later one stays, as far
 *   as the shard remembers (recent-batches.ts). Of a delete without a stamp, as of a node of an earlier release: what was
 *   acknowledged before is deleted, and what is written meanwhile may or may not be;
 * - once it has resolved nothing brings the points back: they were flushed, and are hidden by durable tombstones;
 * - it is remembered before the first point goes: what was struck by half of it and comes again does not come back;
 * - a crash half way is made good at the next start (mark-delete.ts).
 */
import { DbError } from '../../../base/errors.ts';
import { Slices } from '../../../env/slices.ts';
import type { Log } from '../../../env/log.ts';
import { decodePointBatch } from '../../../models/point-batch.ts';
import type { DeletePorts } from '../../engine/delete-points.ts';
import type { SelectedSeries } from '../../engine/delete-points.ts';
import { hasStruck, type StruckPoints } from '../../engine/memtable/late-points.ts';
import type { RecentBatch } from '../../engine/memtable/recent-batches.ts';
import type { ShardView } from '../../engine/shard-view.ts';
import { stampsOfFile } from '../../engine/compaction/stamped-parts.ts';
import type { ForgetSeries } from '../segments/segment-keeper.ts';
import type { TsmFile } from '../../tsm/tsm-file.ts';
import type { TimeRange } from '../../tsm/tombstones.ts';
import { WalRecordKind, type WalRecord } from '../../wal/wal-record.ts';
import type { OpenShard } from '../shards/open-shards.ts';
import { clearPending, finishPending, markPending, nameOf, withStruckFiles, type StrikingDelete } from './mark-delete.ts'; // prettier-ignore
import type { PendingDelete } from './pending-delete.ts';
import { struckBy, withDelete, type DeleteFilters, type StoredDelete } from './stored-deletes.ts'; // prettier-ignore

export interface PointDeletePorts extends DeletePorts {
  /** Writes what the shard has in memory to a file. */
  readonly flush: (open: OpenShard) => Promise<void>;
  readonly isOpen: (open: OpenShard) => boolean;
  readonly append: (record: WalRecord) => Promise<void>;
  readonly filters: DeleteFilters;
  readonly log: Log;
}

/** With a stamp: as an owner is asked. */
export type StampedDelete = PointDelete & { readonly said: Pick<StoredDelete, 'stamp' | 'filter'> };

export interface PointDelete {
  /** Called once all that counts is in files. */
  readonly select: (view: ShardView) => AsyncIterable<SelectedSeries>;
  /** Whether select() gives any: it is asked where this is left out. */
  readonly isAnyMeant?: ((view: ShardView) => Promise<boolean>) | undefined;
  readonly range: TimeRange;
  /** What select() means, in the words of DeleteFilters; left out where nobody is to go on with it after a crash. */
  readonly filter?: string | undefined;
  /** When it was said, and which series it means: for what comes late. */
  readonly said?: Pick<StoredDelete, 'stamp' | 'filter'> | undefined;
}

/** Throws what the disk says: all points show then, and endPending() deletes them where it had begun to. */
export function deletePoints(
  open: OpenShard,
  request: PointDelete,
  ports: PointDeletePorts,
): Promise<void> {
  return whileStill(open, () => deleteNow(open, request, ports));
}

/** Runs `work` with no other such work on the shard meanwhile, and no compaction: files only come, by flushes. */
export function whileStill<T>(open: OpenShard, work: () => Promise<T>): Promise<T> {
  open.deletingCount++;
  const done = open.deleting
    // What became of the one before is told to its own sender.
    .catch(() => undefined)
    .then(async () => {
      // It is given up, as this is counted.
      await open.compacting?.catch(() => undefined);
      return work();
    })
    .finally(() => {
      open.deletingCount--;
    });
  open.deleting = done;
  return done;
}

/** Does the rest of a delete that the disk has failed, if there is one. Throws what the disk says. */
export function endPending(open: OpenShard, ports: PointDeletePorts): Promise<void> {
  return whileStill(open, () => endNow(open, ports));
}

/** The same for whoever holds the shard still. */
async function endNow(open: OpenShard, ports: PointDeletePorts): Promise<void> {
  if (open.manifest.manifest.pendingDelete === undefined) return;
  // A file that is not listed yet may have points that are older.
  await flushAll(open, ports);
  if (!ports.isOpen(open)) return;
  await finishPending(open, ports);
  open.striking = undefined;
}

/** deletePoints() for whoever holds the shard still. */
export async function deleteNow(
  open: OpenShard,
  request: PointDelete,
  ports: PointDeletePorts,
): Promise<void> {
  const { select, range } = request;
  // As of a condition that no time meets: what is cut out has to be a range.
  if (range.minTimeNs > range.maxTimeNs) return;
  await endNow(open, ports);
  const files = await prepare(open, request, ports);
  const view = open.shard.view();
  try {
    const selected: SelectedSeries[] = [];
    for await (const one of select(view)) selected.push(one);
    if (!ports.isOpen(open)) throw new DbError('shard_not_found', 'shard is deleted');
    const isDeciding = (): boolean => open.sequence !== open.appliedSequence;
    const forget = (run: ForgetSeries) => open.segments.forget(run);
    await open.shard.deletePoints(view, { selected, range, files }, { ...ports, isDeciding, forget }); // prettier-ignore
    if (ports.isOpen(open)) await clearPending(open);
  } finally {
    view.release();
  }
}

/**
 * Resolves with the files that the delete goes through, and all that it means is in. From the moment that it is remembered the
 * mark names these files: what is in them then, and is to stay, is in the log once more. Writes that come while this goes on may
 * make one file more.
 */
async function prepare(
  open: OpenShard,
  request: PointDelete,
  ports: PointDeletePorts,
): Promise<readonly TsmFile[]> {
  const { range, said, filter = said?.filter } = request;
  await flushAll(open, ports);
  if (said !== undefined) return prepareStamped(open, { ...request, said }, ports);
  const { files } = open.shard;
  if (filter !== undefined && files.length > 0 && (await isAnyMeant(open, request)))
    await markPending(open, { ...range, filter, files });
  return files;
}

/** Batches that came before it and were decided, and not applied, go to files between its mark and its first tombstone. */
async function prepareStamped(
  open: OpenShard,
  request: StampedDelete,
  ports: PointDeletePorts,
): Promise<readonly TsmFile[]> {
  const { range, said, filter = said.filter } = request;
  const struck = struckBy({ ...range, ...said }, ports.filters);
  const files = (): readonly TsmFile[] =>
    open.shard.files.filter((file) => stampsOfFile(file).least < struck.stamp);
  const striking: StrikingDelete = {
    bringAgain: (written) => bringAgain(open, { struck, files: files().filter((file) => written.includes(file)) }, ports), // prettier-ignore
    namesOf: (listed) => files().map(nameOf).filter((name) => listed.has(name)), // prettier-ignore
  };
  open.striking = striking;
  try {
    // One that is under way does not know of it.
    await open.flushing?.catch(() => undefined);
    await striking.bringAgain(open.shard.files);
    const isMarked = open.sequence !== open.appliedSequence || (await isAnyMeant(open, request));
    const marked = isMarked ? { ...range, filter, striking } : undefined;
    await remember(open, [{ ...range, ...said }], { ...ports, marked });
    // What is flushed from now on has nothing that is struck, as that does not get in any more.
    await flushAll(open, ports);
  } finally {
    // Where the disk fails behind the mark, what is listed later is named too.
    if (open.manifest.manifest.pendingDelete === undefined) open.striking = undefined;
  }
  open.striking = undefined;
  return files();
}

async function isAnyMeant(
  open: OpenShard,
  { select, isAnyMeant: ask }: Pick<PointDelete, 'select' | 'isAnyMeant'>,
): Promise<boolean> {
  const view = open.shard.view();
  try {
    if (ask !== undefined) return await ask(view);
    for await (const { seriesIds } of select(view)) if (seriesIds.length > 0) return true;
    return false;
  } finally {
    view.release();
  }
}

interface StrikingMark extends Omit<PendingDelete, 'files'> {
  readonly striking: StrikingDelete;
}

/**
 * From now on what is older than these deletes does not get in; resolves once that is durable, and with it the mark of the one
 * that is under way.
 */
export async function remember(
  open: OpenShard,
  added: readonly StoredDelete[],
  { filters, marked }: Pick<PointDeletePorts, 'filters'> & { readonly marked?: StrikingMark | undefined }, // prettier-ignore
): Promise<void> {
  await open.manifest.update(({ deletes = [], ...rest }) => {
    const remembered = { ...rest, deletes: added.reduce(withDelete, deletes) };
    if (marked === undefined) return remembered;
    const { striking, ...meant } = marked;
    return withStruckFiles({ ...remembered, pendingDelete: { ...meant, files: [] } }, striking);
  });
  const { deletes = [] } = open.manifest.manifest;
  open.shard.strike(deletes.map((one) => struckBy(one, filters)));
}

/**
 * What was written after the delete, and lies in files with what is to be struck, is written once more, above them: it is in the
 * log before it is hidden where it was.
 */
async function bringAgain(
  open: OpenShard,
  { struck, files }: { readonly struck: StruckPoints; readonly files: readonly TsmFile[] },
  ports: PointDeletePorts,
): Promise<void> {
  if (!files.some((file) => stampsOfFile(file).greatest > struck.stamp)) return;
  const { batches, isExact } = open.shard.spared(struck);
  if (!isExact)
    ports.log.warn('A delete was late: points that were written after it may be deleted too', { shard: open.place.shardId }); // prettier-ignore
  const slices = new Slices(ports);
  // Copies: their memory is used again once they are forgotten, and this takes its time.
  const copies = [...batches].map((one) => ({ ...one, payload: one.payload.slice() }));
  for (const { payload, rejects } of copies) {
    await slices.next();
    if (hasStruck(decodePointBatch(payload), struck)) await writeAgain(open, { payload, rejects, struck }, ports); // prettier-ignore
  }
}

async function writeAgain(
  open: OpenShard,
  { payload, rejects, struck }: Pick<RecentBatch, 'payload' | 'rejects'> & { readonly struck: StruckPoints }, // prettier-ignore
  { append }: PointDeletePorts,
): Promise<void> {
  const { shardId } = open.place;
  const sequence = ++open.sequence;
  await append({ kind: WalRecordKind.points, codec: 0, shardId, sequence, rejectBitmap: rejects, payload }); // prettier-ignore
  open.shard.applyAgain(decodePointBatch(payload), rejects, struck);
  open.appliedSequence = Math.max(open.appliedSequence, sequence);
}

/** What was set aside by a flush that failed goes first, and alone. Then all that was acknowledged is in listed files. */
export async function flushAll(
  open: OpenShard,
  { flush }: Pick<PointDeletePorts, 'flush'>,
): Promise<void> {
  await open.flushing?.catch(() => undefined);
  if (open.shard.isAside) await flush(open);
  if (open.shard.memtableBytes > 0 || open.isIndexBehind) await flush(open);
}
