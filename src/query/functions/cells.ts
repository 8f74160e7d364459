import { Buffer } from 'node:buffer';
import type { Column, ColumnType } from '../column.ts';
import type { Points } from './function.ts';
import { doublesOfIntegers } from './gathered-numbers.ts';

/**
 * One value inside a function: float as number, integers as bigint, booleans as 0 or 1, strings as one character for
 * each of their bytes, so that they compare by bytes and keep those that are not UTF-8.
 */
export type Cell = number | bigint | string;

export function cellAt({ type, values }: Column, row: number): Cell {
  if (type !== 'string') return values[row] ?? 0;
  const { offsets, bytes } = values;
  return Buffer.from(bytes.subarray(offsets[row], offsets[row + 1])).toString('latin1');
}

/** What a cell takes of memory besides its own place, in bytes; never less than it really does. */
export function cellBytes(cell: Cell): number {
  return typeof cell === 'string' ? 64 + cell.length : 32;
}

/** Values of any number type as doubles, as the functions that answer floats take them. */
export function doublesOf({ type, values }: Column): Float64Array {
  if (type === 'float') return values;
  if (type === 'integer' || type === 'unsigned') return doublesOfIntegers(values);
  return new Float64Array(0);
}

export function columnOf(type: ColumnType, cells: readonly Cell[]): Column {
  switch (type) {
    case 'float':
      return { type, values: Float64Array.from(cells as readonly number[]) };
    case 'integer':
      return { type, values: BigInt64Array.from(cells as readonly bigint[]) };
    case 'unsigned':
      return { type, values: BigUint64Array.from(cells as readonly bigint[]) };
    case 'boolean':
      return { type, values: Uint8Array.from(cells as readonly number[]) };
    case 'string':
      return { type, values: stringsOf(cells as readonly string[]) };
  }
}

function stringsOf(cells: readonly string[]) {
  const offsets = new Uint32Array(cells.length + 1);
  cells.forEach((cell, i) => (offsets[i + 1] = (offsets[i] ?? 0) + cell.length));
  const bytes = Buffer.alloc(offsets[cells.length] ?? 0);
  cells.forEach((cell, i) => bytes.write(cell, offsets[i] ?? 0, 'latin1'));
  return { offsets, bytes: new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length) };
}

/** Points without aux columns. */
export function pointsOf(
  type: ColumnType,
  timesNs: readonly bigint[],
  cells: readonly Cell[],
): Points {
  return { timesNs: BigInt64Array.from(timesNs), values: columnOf(type, cells), aux: [] };
}

export function noPoints(type: ColumnType): Points {
  return pointsOf(type, [], []);
}

/** Less than, equal to or greater than zero; cells are of one type. */
export function compareCells(left: Cell, right: Cell): number {
  return left < right ? -1 : Number(left > right);
}
