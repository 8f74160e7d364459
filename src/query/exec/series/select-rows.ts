import { evaluate, type MatcherFactory, type Predicate } from '../../predicate.ts';
import type { FragmentContext } from '../context.ts';
import { cellValue } from '../columns/column-builder.ts';
import { maskedRows } from './masked-rows.ts';
import { pickRows } from '../columns/pick-rows.ts';
import type { RowChunk } from './series-rows.ts';

/** The rows of a chunk that pass the predicate; `names[i]` is the field of column i. */
export function selectRows(
  chunk: RowChunk,
  predicate: Predicate,
  names: readonly string[],
  { kernel, matcher }: Pick<FragmentContext, 'kernel' | 'matcher'>,
): RowChunk {
  const fast = kernel && maskedRows(chunk, predicate, names, kernel);
  const rows = Int32Array.from(fast ?? evaluateRows(chunk, predicate, names, matcher));
  if (rows.length === chunk.timesNs.length) return chunk;
  const timesNs = new BigInt64Array(rows.length);
  rows.forEach((row, i) => (timesNs[i] = chunk.timesNs[row] ?? 0n));
  return { timesNs, columns: chunk.columns.map((column) => pickRows(column, rows)) };
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
