/**
 * Points of one series added to tables of windows part by part: those of files (fold-blocks.ts), then those of memtables whose times
 * follow.
 */
import type { WindowTable } from '../../../kernels/window-table.ts';
import type { MemtableSeries } from '../series-end.ts';
import type { TimeBounds } from '../memtable/shape-table.ts';
import type { FoldedBlocks } from './fold-blocks.ts';
import { RunCursor } from './run-cursor.ts';

export interface PartsFold extends TimeBounds {
  readonly measurement: string;
  /** By column of the table. */
  readonly fields: readonly string[];
  readonly table: WindowTable;
}

export interface FoldedParts {
  readonly blocks: FoldedBlocks;
  /** Those with times within the bounds, oldest first. */
  readonly memtables: readonly MemtableSeries[];
}

/**
 * Whether each part begins after the one before has ended: nothing is to be merged, and sums run in the order of time. A memtable begins
 * in the midst of what is written at one time: its own bounds tell of most series, the rows of the series of the rest.
 */
export function areInOrder(
  parts: FoldedParts,
  request: TimeBounds & { readonly measurement: string },
): boolean {
  return (
    followEachOther(parts, ({ memtable }) => memtable.bounds) ||
    followEachOther(parts, ({ memtable, seriesId }) => memtable.timesOf({ ...request, seriesId }))
  );
}

function followEachOther(
  { blocks, memtables }: FoldedParts,
  timesOf: (one: MemtableSeries) => TimeBounds | undefined,
): boolean {
  let { lastNs } = blocks;
  for (const one of memtables) {
    const times = timesOf(one);
    if (times === undefined) continue;
    if (lastNs !== undefined && times.minTimeNs <= lastNs) return false;
    lastNs = times.maxTimeNs;
  }
  return true;
}

/** How many points were added, each time a millisecond's work at the most. */
export function* foldParts(
  { blocks, memtables }: FoldedParts,
  request: PartsFold,
): Generator<number, undefined> {
  for (let count = blocks.next(); count !== undefined; count = blocks.next()) yield count;
  for (const one of memtables) {
    const count = one.memtable.fold({ ...request, seriesId: one.seriesId });
    if (count === undefined) yield* foldRows(one, request);
    else yield count;
  }
}

/** Rows that are not at hand in order, by cursors. */
function* foldRows(
  { memtable, seriesId }: MemtableSeries,
  { measurement, fields, table, minTimeNs, maxTimeNs }: PartsFold,
): Generator<number, undefined> {
  const bounds = { minTimeNs, maxTimeNs, ascending: true };
  const { arena } = table;
  for (const [column, field] of fields.entries()) {
    const cursor = new RunCursor(memtable.pieces({ measurement, seriesId, field }, bounds), bounds);
    for (;;) {
      const mark = arena.mark();
      const batch = cursor.next(arena);
      if (batch === undefined) break;
      table.fold(column, batch);
      arena.release(mark);
      yield batch.count;
    }
  }
}
