/** Turns the rows of one series and field, possibly of several shapes, into runs, or into columns of a reader's arena. */
import { must } from '../../../base/assert.ts';
import { lowerBound } from '../../../base/lower-bound.ts';
import { FieldType } from '../../../models/field-value.ts';
import type { BatchColumn } from '../../../models/point-batch.ts';
import { clipRun, type ColumnRun, emptyColumn, gatherTexts } from '../columns/column-run.ts';
import { batchRowsMax, batchTypes, type ColumnPiece } from '../columns/run-cursor.ts';
import type { ShapeTable, TimeBounds } from './shape-table.ts';

export interface ShapeRows {
  readonly table: ShapeTable;
  readonly column: number;
  readonly seriesId: number;
  /** Rows of the table that the view sees. */
  readonly rowsMax: number;
}

/** Sorts by time and keeps the one that counts of each time. */
export function readRows(parts: readonly ShapeRows[]): ColumnRun {
  const [part, ...others] = parts;
  return part !== undefined && others.length === 0 ? readOne(part) : readAndSort(parts);
}

/** Pieces of at most as many rows as a batch has, gathered where the reader wants them and as it asks for them. */
export function memtablePieces(
  parts: readonly ShapeRows[],
  bounds: TimeBounds,
): readonly ColumnPiece[] {
  const [part, ...others] = parts;
  if (part === undefined) return [];
  if (others.length > 0) {
    const run = clipRun(readAndSort(parts), bounds.minTimeNs, bounds.maxTimeNs);
    const [minTimeNs, maxTimeNs] = [run.timesNs[0], run.timesNs.at(-1)];
    if (minTimeNs === undefined || maxTimeNs === undefined) return [];
    return [{ minTimeNs, maxTimeNs, load: () => run }];
  }
  const times = part.table.timesInTime(part.seriesId, part.rowsMax);
  const start = lowerBound(times, bounds.minTimeNs);
  const end = lowerBound(times, bounds.maxTimeNs + 1n);
  const pieces: ColumnPiece[] = [];
  for (let from = start; from < end; from += batchRowsMax) {
    const to = Math.min(end, from + batchRowsMax);
    const minTimeNs = times[from] ?? 0n;
    const maxTimeNs = times[to - 1] ?? 0n;
    const load = () => readOne(part, { from, count: to - from });
    pieces.push({ minTimeNs, maxTimeNs, load, rows: rowsOf(part, from, to) });
  }
  return pieces;
}

/** Undefined for texts, which are not placed row by row. */
function rowsOf(part: ShapeRows, start: number, end: number): ColumnPiece['rows'] {
  const { table, column, seriesId, rowsMax } = part;
  const { type } = must(table.fields[column], 'the column is there');
  if (type === FieldType.string) return undefined;
  return {
    type: batchTypes[type],
    count: end - start,
    times: (from, count) => table.timesInTime(seriesId, rowsMax).subarray(start + from, start + from + count), // prettier-ignore
    values: (from, count) => table.bytesInTime(column, { seriesId, rowsMax, from: start + from, count }), // prettier-ignore
  };
}

/** Rows of one shape, as most series have: gathered without a value for each. */
function readOne(
  { table, column, seriesId, rowsMax }: ShapeRows,
  range?: { readonly from: number; readonly count: number },
): ColumnRun {
  const { type } = must(table.fields[column], 'the column is there');
  const all = table.inTime(seriesId, rowsMax);
  const { from, count } = range ?? { from: 0, count: all.count };
  const timesNs = table.timesInTime(seriesId, rowsMax).slice(from, from + count);
  const values = table.valuesOf(column, { rows: all.rows + from * 4, count });
  return { type, timesNs, values };
}

interface Reference {
  readonly part: number;
  readonly row: number;
  readonly timeNs: bigint;
  readonly sequence: number;
}

/** Rows of several shapes: each brings its own columns, in order of arrival. */
function readAndSort(parts: readonly ShapeRows[]): ColumnRun {
  const columns: BatchColumn[] = [];
  const all: Reference[] = [];
  // Any of them knows the order of all batches of the memtable.
  const order = must(parts[0], 'there are rows');
  for (const [part, { table, column, seriesId, rowsMax }] of parts.entries()) {
    const arrived = table.arrivals(column, seriesId, rowsMax);
    columns.push(arrived.values);
    arrived.timesNs.forEach((timeNs, row) => {
      all.push({ part, row, timeNs, sequence: arrived.sequences[row] ?? 0 });
    });
  }
  if (!isAscending(all)) all.sort((left, right) => compareReferences(left, right, order));
  const kept = all.filter((one, i) => one.timeNs !== all[i + 1]?.timeNs);
  const timesNs = BigInt64Array.from(kept, (one) => one.timeNs);
  const { type } = must(order.table.fields[order.column], 'the column is there');
  return { type, timesNs, values: pickValues(type, kept, columns) };
}

function pickValues(
  type: FieldType,
  kept: readonly Reference[],
  columns: readonly BatchColumn[],
): BatchColumn {
  if (type === FieldType.string)
    return gatherTexts(kept.length, (i) => {
      const { part, row } = must(kept[i], 'the row was kept');
      const { offsets, bytes } = columns[part] as Extract<BatchColumn, { offsets: unknown }>;
      return bytes.subarray(offsets[row], offsets[row + 1]);
    });
  const values = emptyColumn(type, kept.length);
  kept.forEach(({ part, row }, i) => {
    values[i] = (columns[part] as typeof values)[row] as never;
  });
  return values;
}

function isAscending(all: readonly Reference[]): boolean {
  return all.every((one, i) => i === 0 || (all[i - 1]?.timeNs ?? 0n) < one.timeNs);
}

function compareReferences(left: Reference, right: Reference, { table }: ShapeRows): number {
  if (left.timeNs !== right.timeNs) return left.timeNs < right.timeNs ? -1 : 1;
  return table.compareSequences(left.sequence, right.sequence);
}
