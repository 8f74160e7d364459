/**
 * Deletes points of a shard: one delete after the other, with no compaction meanwhile.
 *
 * Invariants:
 * - what was written and acknowledged before is deleted; what is written meanwhile may or may not be;
 * - once it has resolved nothing brings the points back: they were flushed, and are hidden by durable tombstones.
 */
import { DbError } from '../../base/errors.ts';
import type { DeletePorts } from '../engine/delete-points.ts';
import type { ShardView } from '../engine/shard-view.ts';
import type { IndexSegment } from '../index/index-segment.ts';
import type { TimeRange } from '../tsm/tombstones.ts';
import type { OpenShard } from './open-shards.ts';

/** Series of one measurement of which points are to be deleted. */
export interface SelectedSeries {
  readonly measurement: string;
  readonly seriesIds: Uint32Array;
}

export interface PointDeletePorts extends DeletePorts {
  /** Writes what the shard has in memory to a file. */
  readonly flush: (open: OpenShard) => Promise<void>;
  readonly isOpen: (open: OpenShard) => boolean;
}

export interface PointDelete {
  /** Called once all that counts is in files. */
  readonly select: (view: ShardView) => AsyncIterable<SelectedSeries>;
  readonly range: TimeRange;
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

async function deleteNow(
  open: OpenShard,
  { select, range }: PointDelete,
  ports: PointDeletePorts,
): Promise<void> {
  await flushAll(open, ports);
  const view = open.shard.view();
  try {
    for await (const { measurement, seriesIds } of select(view)) {
      if (!ports.isOpen(open)) throw new DbError('shard_not_found', 'shard is deleted');
      const isDeciding = (): boolean => open.sequence !== open.appliedSequence;
      const request = { measurement, seriesIds, range };
      const forget = (run: () => ReadonlySet<IndexSegment>) => open.segments.forget(run);
      await open.shard.deletePoints(view, request, { ...ports, isDeciding, forget });
    }
  } finally {
    view.release();
  }
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
