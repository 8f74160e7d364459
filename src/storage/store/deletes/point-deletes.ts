/**
 * Deletes points of a shard: one delete after the other, with no compaction meanwhile.
 *
 * Invariants:
 * - what has an earlier stamp than the delete is deleted, whether it is here or comes late; what has a later one stays, as far
 *   as the shard remembers (recent-batches.ts). Of a delete without a stamp, as of a node of an earlier release: what was
 *   acknowledged before is deleted, and what is written meanwhile may or may not be;
 * - once it has resolved nothing brings the points back: they were flushed, and are hidden by durable tombstones;
 * - it is remembered before the first point goes: what was struck by half of it and comes again does not come back.
 */
import { DbError } from '../../../base/errors.ts';
import { Slices } from '../../../env/slices.ts';
import type { Log } from '../../../env/log.ts';
import { decodePointBatch } from '../../../models/point-batch.ts';
import type { DeletePorts } from '../../engine/delete-points.ts';
import { hasStruck, type StruckPoints } from '../../engine/memtable/late-points.ts';
import type { RecentBatch } from '../../engine/memtable/recent-batches.ts';
import type { ShardView } from '../../engine/shard-view.ts';
import { stampsOfFile } from '../../engine/compaction/stamped-parts.ts';
import type { IndexSegment } from '../../index/index-segment.ts';
import type { TsmFile } from '../../tsm/tsm-file.ts';
import type { TimeRange } from '../../tsm/tombstones.ts';
import { WalRecordKind, type WalRecord } from '../../wal/wal-record.ts';
import type { OpenShard } from '../shards/open-shards.ts';
import { struckBy, withDelete, type DeleteFilters, type SelectedSeries, type StoredDelete } from './stored-deletes.ts'; // prettier-ignore

export interface PointDeletePorts extends DeletePorts {
  /** Writes what the shard has in memory to a file. */
  readonly flush: (open: OpenShard) => Promise<void>;
  readonly isOpen: (open: OpenShard) => boolean;
  readonly append: (record: WalRecord) => Promise<void>;
  readonly filters: Pick<DeleteFilters, 'test'>;
  readonly log: Log;
}

export interface PointDelete {
  /** Called once all that counts is in files. */
  readonly select: (view: ShardView) => AsyncIterable<SelectedSeries>;
  readonly range: TimeRange;
  /** When it was said, and which series it means: for what comes late. */
  readonly said?: Pick<StoredDelete, 'stamp' | 'filter'> | undefined;
  /** Files that have seen it already. */
  readonly seenBy?: readonly TsmFile[] | undefined;
}

/** Throws what the disk says; asked again it deletes the rest. */
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

/** The same for whoever holds the shard still. */
export async function deleteNow(
  open: OpenShard,
  { select, range, said, seenBy = [] }: PointDelete,
  ports: PointDeletePorts,
): Promise<void> {
  // As of a condition that no time meets: what is cut out has to be a range.
  if (range.minTimeNs > range.maxTimeNs) return;
  const struck = said && struckBy({ ...range, ...said }, ports.filters);
  if (said !== undefined) await remember(open, [{ ...range, ...said }], ports);
  await flushAll(open, ports);
  // What is flushed from now on has nothing that is struck, as that does not get in any more.
  const isOlder = (file: TsmFile): boolean => struck === undefined || stampsOfFile(file).least < struck.stamp; // prettier-ignore
  const files = open.shard.files.filter((file) => isOlder(file) && !seenBy.includes(file));
  if (struck !== undefined) await bringAgain(open, { struck, files }, ports);
  const view = open.shard.view();
  try {
    for await (const { measurement, seriesIds } of select(view)) {
      if (!ports.isOpen(open)) throw new DbError('shard_not_found', 'shard is deleted');
      const isDeciding = (): boolean => open.sequence !== open.appliedSequence;
      const request = { measurement, seriesIds, range, files };
      const forget = (run: () => ReadonlySet<IndexSegment>) => open.segments.forget(run);
      await open.shard.deletePoints(view, request, { ...ports, isDeciding, forget });
    }
  } finally {
    view.release();
  }
}

/** From now on what is older than these deletes does not get in; resolves once that is durable. */
export async function remember(
  open: OpenShard,
  added: readonly StoredDelete[],
  { filters }: Pick<PointDeletePorts, 'filters'>,
): Promise<void> {
  await open.manifest.update(({ deletes = [], ...rest }) => ({ ...rest, deletes: added.reduce(withDelete, deletes) })); // prettier-ignore
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
  for (const { payload, rejects } of [...batches]) {
    await slices.next();
    if (hasStruck(decodePointBatch(payload), struck)) await writeAgain(open, { payload, rejects }, ports); // prettier-ignore
  }
}

async function writeAgain(
  open: OpenShard,
  { payload, rejects }: Pick<RecentBatch, 'payload' | 'rejects'>,
  { append }: PointDeletePorts,
): Promise<void> {
  const { shardId } = open.place;
  const sequence = ++open.sequence;
  await append({ kind: WalRecordKind.points, codec: 0, shardId, sequence, rejectBitmap: rejects, payload }); // prettier-ignore
  open.shard.applyAgain(decodePointBatch(payload), rejects);
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
