import type { Column } from '../../column.ts';
import { ColumnBuilder } from './column-builder.ts';

/** The rows of a column that `rows` names, in that order; null for -1. */
export function pickRows(column: Column, rows: Int32Array): Column {
  if (column.valid !== undefined || column.type === 'string') return pickAny(column, rows);
  const count = rows.length;
  const isWhole = count === column.values.length && rows.every((row, i) => row === i);
  if (isWhole) return column;
  const valid = validOf(rows);
  switch (column.type) {
    case 'boolean':
      return { ...column, values: Uint8Array.from(rows, (row) => column.values[row] ?? 0), valid };
    case 'float':
      return {
        ...column,
        values: pickWords(wordsOf(column.values), rows, new Float64Array(count)),
        valid,
      };
    case 'integer':
      return {
        ...column,
        values: pickWords(wordsOf(column.values), rows, new BigInt64Array(count)),
        valid,
      };
    case 'unsigned':
      return {
        ...column,
        values: pickWords(wordsOf(column.values), rows, new BigUint64Array(count)),
        valid,
      };
  }
}

/** Which rows have a cell; undefined when all have. */
export function validOf(rows: Int32Array): Uint8Array | undefined {
  return rows.includes(-1) ? Uint8Array.from(rows, (row) => (row < 0 ? 0 : 1)) : undefined;
}

export type WordValues = Float64Array | BigInt64Array | BigUint64Array;

/** Two for each value. */
export function wordsOf({ buffer, byteOffset, length }: WordValues): Uint32Array {
  return new Uint32Array(buffer, byteOffset, length * 2);
}

/** Bits as they are, without a value for each. `from` has two words a row. */
export function pickWords<T extends WordValues>(from: Uint32Array, rows: Int32Array, into: T): T {
  const to = wordsOf(into);
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i] ?? -1;
    if (row < 0) continue;
    to[i * 2] = from[row * 2] ?? 0;
    to[i * 2 + 1] = from[row * 2 + 1] ?? 0;
  }
  return into;
}

function pickAny(column: Column, rows: Int32Array): Column {
  const builder = new ColumnBuilder(column.type, rows.length);
  for (const row of rows) {
    if (row < 0) builder.pushNull();
    else builder.pushFrom(column, row);
  }
  return builder.finish();
}
