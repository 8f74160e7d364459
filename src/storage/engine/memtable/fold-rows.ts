/**
 * Rows of one series of a table added to tables of windows where they lie, without a copy for the reader: of what readers
 * leave for each other (ordered-rows.ts), which is in order of time, each time once.
 *
 * Invariant: between the look for a pointer and the kernel's end nothing is allocated in the heap.
 */
import { must } from '../../../base/assert.ts';
import { lowerBound } from '../../../base/lower-bound.ts';
import type { WindowTable } from '../../../kernels/window-table.ts';
import type { ColumnOptions, ListedRows, OrderedRows } from './ordered-rows.ts';
import type { ShapeTable, TimeBounds } from './shape-table.ts';

export interface FoldedSeries {
  readonly table: ShapeTable;
  readonly seriesId: number;
  /** Rows of the table that the view sees. */
  readonly rowsMax: number;
  /** By column of the windows: the column of the table, -1 where it has none. */
  readonly columns: readonly number[];
}

/** A millisecond of the kernel's time, some twenty where all are gathered first: who reads more at once takes turns with others. */
const valuesMax = 1 << 18;
const wordBytes = 8;

/** How many values there were; undefined, and nothing added, where they are not at hand in order, too many, or hardly any. */
export function foldRows(
  { table, seriesId, rowsMax, columns }: FoldedSeries,
  windows: WindowTable,
  { minTimeNs, maxTimeNs }: TimeBounds,
): number | undefined {
  const { kernel } = table;
  const kept = table.keptFor(seriesId, rowsMax);
  const listed = kept?.below(rowsMax);
  if (kept === undefined || listed === undefined) return undefined;
  const times = new BigInt64Array(kernel.buffer, listed.times, listed.count);
  const from = lowerBound(times, minTimeNs);
  const end = lowerBound(times, maxTimeNs + 1n);
  if (from >= end) return 0;
  const present = columns.filter((column) => column >= 0);
  const valueCount = (end - from) * present.length;
  const workBytes = windows.workBytes(end - from);
  // Where tables are larger than what is read of rows it costs less to copy these.
  if (valueCount > valuesMax || workBytes > valueCount * 2 * wordBytes) return undefined;
  for (const column of present)
    if (valuesOf(kept, { table, column, count: listed.count }) === undefined) return undefined;
  const workPtr = kernel.scratch(workBytes);
  // The room for work may have been theirs.
  if (kept.isReleased) return undefined;
  const valuesPtrs = columns.map((column) =>
    column < 0
      ? 0
      : must(valuesOf(kept, { table, column, count: listed.count }), 'the column was gathered'),
  );
  const { times: timesPtr } = must(kept.below(rowsMax), 'the rows are there');
  const { exports, buffer } = kernel;
  windows.foldAt({ exports, buffer, workPtr }, { timesPtr, from, end, valuesPtrs });
  return valueCount;
}

/** Where the values of a column of numbers lie; undefined when the rows had to make room for it. */
function valuesOf(
  kept: OrderedRows,
  { table, column, count }: { readonly table: ShapeTable; readonly column: number; readonly count: number }, // prettier-ignore
): number | undefined {
  const gather: ColumnOptions['gather'] = (rows: Pick<ListedRows, 'rows' | 'count'>, out) => {
    table.gather(column, rows, out);
  };
  return kept.column(column, count, { widthBytes: wordBytes, gather });
}
