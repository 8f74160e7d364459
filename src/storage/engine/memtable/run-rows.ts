/**
 * Rows of many series of a table at once, copied to a reader's arena one behind the other: in order of time, each time once.
 * For series of few rows; those of many are kept in order for the next reader (ordered-rows.ts).
 *
 * Invariant: nothing is allocated in the heap once the room for work is there.
 */
import type { Arena } from '../../../kernels/arena.ts';
import type { ShapeTable, TimeBounds } from './shape-table.ts';

export interface RunRequest extends TimeBounds {
  readonly table: ShapeTable;
  /** Rows of the table that the view sees. */
  readonly rowsMax: number;
  /** Of the memtable; -1 for a series that it does not have. */
  readonly ids: Int32Array;
  /** By field: the column of the table, -1 where it has none. */
  readonly columns: readonly number[];
  /** Rows of one series at the most. */
  readonly seriesRowsMax: number;
}

export interface RunRows {
  /** How many series were read: all, or those before one of too many rows. */
  readonly seriesCount: number;
  /** By series. */
  readonly counts: Uint32Array;
  readonly timesPtr: number;
  /** By field, as 8 bytes a row; 0 where the table has none. */
  readonly valuesPtrs: readonly number[];
}

/** Of all series of a run: some ten of each. */
export const rowsInRunMax = 4_096;
const seriesWordBytes = 8;

/** What it answers lies in the arena until a mark from before is released. */
export function runRows(
  { table, rowsMax, ids, columns, seriesRowsMax, ...bounds }: RunRequest,
  arena: Arena,
): RunRows {
  const { kernel } = table;
  const { exports } = kernel;
  const room = rowsInRunMax + seriesRowsMax;
  const workBytes = (exports.runWorkBytes(seriesRowsMax) + 7) & ~7;
  const wordsBytes = (ids.length * seriesWordBytes + 7) & ~7;
  const timesPtr = kernel.scratch(room * 20 + workBytes + wordsBytes + 16);
  const valuesPtr = timesPtr + room * 8;
  const workPtr = valuesPtr + room * 8;
  const rowsPtr = workPtr + workBytes;
  const idsPtr = rowsPtr + room * 4;
  const countsPtr = idsPtr + ids.length * 4;
  new Int32Array(kernel.buffer, idsPtr, ids.length).set(ids);
  const { at, mask, previous, times, sequences, order } = table.places();
  const seriesCount = exports.listRuns(at, mask, idsPtr, ids.length, rowsMax, previous, times, clamped(bounds.minTimeNs), clamped(bounds.maxTimeNs), seriesRowsMax, room, countsPtr, timesPtr, rowsPtr, workPtr, sequences, order); // prettier-ignore
  const counts = kernel.words(countsPtr, seriesCount).slice();
  const count = counts.reduce((sum, one) => sum + one, 0);
  const copied = (from: number): number => {
    const to = arena.allocate(count * 8 + 8);
    new Uint8Array(arena.memory.buffer, to, count * 8).set(kernel.bytes(from, count * 8));
    return to;
  };
  const copiedTimes = copied(timesPtr);
  const valuesPtrs = columns.map((column) => {
    if (column < 0) return 0;
    table.gather(column, { rows: rowsPtr, count }, valuesPtr);
    return copied(valuesPtr);
  });
  return { seriesCount, counts, timesPtr: copiedTimes, valuesPtrs };
}

/** Bounds of a query may lie beyond int64. */
function clamped(timeNs: bigint): bigint {
  if (timeNs < -(2n ** 63n)) return -(2n ** 63n);
  return timeNs > 2n ** 63n - 1n ? 2n ** 63n - 1n : timeNs;
}
