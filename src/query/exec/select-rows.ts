import type { Column } from '../column.ts';
import { evaluate, type MatcherFactory, type Predicate } from '../predicate.ts';
import { cellValue, ColumnBuilder } from './column-builder.ts';
import type { RowChunk } from './series-rows.ts';

/**
 * The rows of a chunk that pass the predicate; `names[i]` is the field of column i. One comparison of a number field
 * with a constant, by far the most frequent predicate, runs without a call per row.
 */
export function selectRows(
  chunk: RowChunk,
  predicate: Predicate,
  names: readonly string[],
  matcher: MatcherFactory,
): RowChunk {
  const rows =
    compareConstant(chunk, predicate, names) ?? evaluateRows(chunk, predicate, names, matcher);
  if (rows.length === chunk.timesNs.length) return chunk;
  const timesNs = new BigInt64Array(rows.length);
  rows.forEach((row, i) => (timesNs[i] = chunk.timesNs[row] ?? 0n));
  return { timesNs, columns: chunk.columns.map((column) => gather(column, rows)) };
}

/** The rows `rows` of a column, in their order. */
export function gather(column: Column, rows: readonly number[]): Column {
  const builder = new ColumnBuilder(column.type, rows.length);
  for (const row of rows) builder.pushFrom(column, row);
  return builder.finish();
}

function evaluateRows(
  chunk: RowChunk,
  predicate: Predicate,
  names: readonly string[],
  matcher: MatcherFactory,
): readonly number[] {
  const columns = new Map(names.map((name, i) => [name, chunk.columns[i]]));
  const rows: number[] = [];
  let row = 0;
  const read = (name: string) => {
    const column = columns.get(name);
    return column === undefined ? null : cellValue(column, row);
  };
  for (; row < chunk.timesNs.length; row++) if (evaluate(predicate, read, matcher)) rows.push(row);
  return rows;
}

/** Rows of `field op constant` with a dense number column; undefined when the predicate is of another form. */
function compareConstant(
  chunk: RowChunk,
  predicate: Predicate,
  names: readonly string[],
): readonly number[] | undefined {
  if (predicate.kind !== 'compare') return undefined;
  const { left, right, operator } = predicate;
  if (left.kind !== 'field' || right.kind !== 'constant') return undefined;
  const column = chunk.columns[names.indexOf(left.name)];
  if (column === undefined || column.valid !== undefined) return undefined;
  if (column.type !== 'float' && column.type !== 'integer' && column.type !== 'unsigned')
    return undefined;
  if (typeof right.value !== 'number' && typeof right.value !== 'bigint') return undefined;
  const { values } = column;
  const bound = right.value;
  const rows: number[] = [];
  for (let row = 0; row < values.length; row++) {
    const value = values[row] ?? 0;
    const isLess = value < bound;
    const isGreater = value > bound;
    // NaN is neither, and equals nothing: storage rejects it, so `!isLess && !isGreater` is equality.
    if (
      (operator === '<' && isLess) ||
      (operator === '<=' && !isGreater) ||
      (operator === '>' && isGreater) ||
      (operator === '>=' && !isLess) ||
      (operator === '=' && !isLess && !isGreater) ||
      (operator === '!=' && (isLess || isGreater))
    )
      rows.push(row);
  }
  return rows;
}
