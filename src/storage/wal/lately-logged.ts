/**
 * What the log says that a node took last before it ended: which may not have got further than here (decision 137).
 *
 * Invariants:
 * - Segments of earlier runs alone are read, of each worker the last `bytesMax` of them; one that goes meanwhile is passed over.
 * - What is answered are the batches of the shards asked for that are at the end of the log: none before a batch which its coordinator gave more
 *   than `windowNs` before its latest, by the clock of one and the same, however far apart clocks are. So a value never comes without what the
 *   log has over it. In the order of the log.
 * - What is older than deletes are remembered (stored-deletes.ts) is nobody's any more, as in hinted handoff.
 *
 * Not here: which of them are let be for the deletes of their shard (data/write/last-moments.ts).
 */
import { MiB } from '../../base/units.ts';
import type { Disk } from '../../env/disk.ts';
import { Slices, type SlicePorts } from '../../env/slices.ts';
import { isOfClock, noStamp, stampNs, stampOfBatch, stampOrigin, type Stamp } from '../../models/stamp.ts'; // prettier-ignore
import { openPresent } from './open-present.ts';
import { readSegment } from './read-segment.ts';
import { parseSegmentName, type SegmentName } from './segment-name.ts';
import { WalRecordKind } from './wal-record.ts';

/** A batch as it was written to its shard. */
export interface LoggedBatch {
  readonly shardId: number;
  readonly payload: Uint8Array<ArrayBuffer>;
}

export interface LatelyLoggedOptions {
  readonly folder: string;
  /** The last of the runs that are read. */
  readonly run: number;
  readonly shardIds: ReadonlySet<number>;
  readonly windowNs: bigint;
  /** Of the log of each worker. */
  readonly bytesMax?: number | undefined;
  /** By the wall's clock. */
  readonly nowNs: bigint;
}

const bytesMaxDefault = 32 * MiB;
const dayNs = 86_400_000_000_000n;
/** As long as hinted handoff keeps anything, as a rule: deletes are remembered a day longer. */
const ageNsMax = 7n * dayNs;

interface Logged {
  readonly run: number;
  readonly worker: number;
  readonly stamp: Stamp;
  /** Undefined of shards that were not asked for, which tell the time all the same. */
  readonly batch: LoggedBatch | undefined;
}

/** Throws what the disk says. */
export async function latelyLogged(
  { disk, ...ports }: SlicePorts & { readonly disk: Disk },
  { folder, run, shardIds, windowNs, bytesMax = bytesMaxDefault, nowNs }: LatelyLoggedOptions,
): Promise<readonly LoggedBatch[]> {
  const slices = new Slices(ports);
  const logged: Logged[] = [];
  for (const { path, salt, run: ofRun, worker } of await lastSegments(disk, {
    folder,
    run,
    bytesMax,
  })) {
    const file = await openPresent(disk, path);
    if (file === undefined) continue;
    try {
      await readSegment(file, salt, {
        onGap: () => undefined,
        onRecord: ({ kind, shardId, payload }) => {
          const stamp = kind === WalRecordKind.points ? stampOfBatch(payload) : noStamp;
          if (stamp !== noStamp) {
            const isAsked = shardIds.has(shardId) && stampNs(stamp) >= nowNs - ageNsMax;
            const batch = isAsked ? { shardId, payload: payload.slice() } : undefined;
            logged.push({ run: ofRun, worker, stamp, batch });
          }
          return slices.isDue ? slices.rest() : undefined;
        },
      });
    } finally {
      await file.close();
    }
  }
  return atTheEnd(logged, { windowNs, nowNs });
}

/** From where on no coordinator says that the window had passed before the log ended. */
function atTheEnd(
  logged: readonly Logged[],
  { windowNs, nowNs }: Pick<LatelyLoggedOptions, 'windowNs' | 'nowNs'>,
): readonly LoggedBatch[] {
  const readings = readingsOf(logged, nowNs);
  const latest = new Map<bigint, bigint>();
  for (const { stamp } of readings) latest.set(stampOrigin(stamp), stampNs(stamp));
  const passed = new Set(readings.filter(({ stamp }) => stampNs(stamp) < (latest.get(stampOrigin(stamp)) ?? 0n) - windowNs)); // prettier-ignore
  const passedRun = Math.max(0, ...[...new Set([...passed].map(({ run }) => run))]);
  const chains = new Map<string, LoggedBatch[]>();
  for (const one of logged) {
    if (one.run < passedRun) continue;
    const name = `${one.run} ${one.worker}`;
    const known = chains.get(name);
    const chain = known === undefined || passed.has(one) ? [] : known;
    if (!passed.has(one) && one.batch !== undefined) chain.push(one.batch);
    chains.set(name, chain);
  }
  return [...chains.values()].flat();
}

/**
 * The batches that tell what time it was when they were logged: later than all before them. One that is not came late, by a hint or a
 * repair, or of a clock that is behind; one of a clock that is more than a day ahead is believed by no other clock.
 */
function readingsOf(logged: readonly Logged[], nowNs: bigint): readonly Logged[] {
  const readings: Logged[] = [];
  let ofRunsBefore = noStamp;
  let ofAll = noStamp;
  let ofWorker = noStamp;
  let last: Logged | undefined;
  for (const one of logged) {
    if (one.run !== last?.run) ofRunsBefore = ofAll;
    if (one.run !== last?.run || one.worker !== last.worker) ofWorker = ofRunsBefore;
    last = one;
    const { stamp } = one;
    if (stamp <= ofWorker || !isOfClock(stamp) || stampNs(stamp) > nowNs + dayNs) continue;
    ofWorker = stamp;
    if (stamp > ofAll) ofAll = stamp;
    readings.push(one);
  }
  return readings;
}

interface LastSegment extends SegmentName {
  readonly path: string;
}

/** As they were written. */
async function lastSegments(
  disk: Disk,
  {
    folder,
    run,
    bytesMax,
  }: Pick<LatelyLoggedOptions, 'folder' | 'run'> & { readonly bytesMax: number },
): Promise<readonly LastSegment[]> {
  const bytesOf = new Map<number, number>();
  const last: LastSegment[] = [];
  for (const { name } of (await disk.list(folder)).toReversed()) {
    const parsed: SegmentName | undefined = parseSegmentName(name);
    if (parsed === undefined || parsed.run > run) continue;
    const before = bytesOf.get(parsed.worker) ?? 0;
    if (before >= bytesMax) continue;
    const path = `${folder}/${name}`;
    bytesOf.set(parsed.worker, before + ((await disk.size(path)) ?? 0));
    last.push({ ...parsed, path });
  }
  return last.reverse();
}
