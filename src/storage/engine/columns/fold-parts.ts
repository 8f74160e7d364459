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
  /** Undefined where no file has any. */
  readonly blocks: FoldedBlocks | undefined;
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
  // Nothing to be before or behind.
  if (parts.memtables.length + (parts.blocks?.lastNs === undefined ? 0 : 1) < 2) return true;
  return (
    followEachOther(parts, ({ memtable }) => memtable.bounds) ||
    followEachOther(parts, ({ memtable, seriesId }) => memtable.timesOf({ ...request, seriesId }))
  );
}

function followEachOther(
  { blocks, memtables }: FoldedParts,
  timesOf: (one: MemtableSeries) => TimeBounds | undefined,
): boolean {
  let lastNs = blocks?.lastNs;
  for (const one of memtables) {
    const times = timesOf(one);
    if (times === undefined) continue;
    if (lastNs !== undefined && times.minTimeNs <= lastNs) return false;
    lastNs = times.maxTimeNs;
  }
  return true;
}

export class PartsFolder {
  readonly #parts: FoldedParts;
  readonly #request: PartsFold;
  #areBlocksAdded: boolean;
  /** The memtable that comes next. */
  #next = 0;
  /** Of the one before, where cursors read it. */
  #rows: Generator<number, undefined> | undefined;

  constructor(parts: FoldedParts, request: PartsFold) {
    this.#parts = parts;
    this.#request = request;
    this.#areBlocksAdded = parts.blocks === undefined;
  }

  /** Adds some more, a millisecond's work at the most, and answers how many points; undefined once there are none left. */
  next(): number | undefined {
    const { blocks, memtables } = this.#parts;
    const added = this.#areBlocksAdded ? undefined : blocks?.next();
    if (added !== undefined) return added;
    this.#areBlocksAdded = true;
    for (;;) {
      const rows = this.#rows?.next();
      if (rows !== undefined && rows.done !== true) return rows.value;
      this.#rows = undefined;
      const one = memtables[this.#next++];
      if (one === undefined) return undefined;
      const { measurement, fields, table, minTimeNs, maxTimeNs } = this.#request;
      const { memtable, seriesId } = one;
      const count = memtable.fold({ measurement, seriesId, fields, table, minTimeNs, maxTimeNs });
      if (count !== undefined) return count;
      this.#rows = foldRows(one, this.#request);
    }
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
