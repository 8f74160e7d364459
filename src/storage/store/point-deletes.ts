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
  open.deletingCount++;
  const done = open.deleting
    // What became of the one before is told to its own sender.
    .catch(() => undefined)
    .then(() => deleteNow(open, request, ports))
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
  // It is given up, as deletes are counted.
  await open.compacting?.catch(() => undefined);
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

/** What was set aside by a flush that failed goes first, and alone. */
async function flushAll(open: OpenShard, { flush }: PointDeletePorts): Promise<void> {
  await open.flushing?.catch(() => undefined);
  if (open.shard.isAside) await flush(open);
  if (open.shard.memtableBytes > 0) await flush(open);
}
