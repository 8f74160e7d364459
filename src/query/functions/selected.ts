/** Points that a selector holds on to, copied out of the batches they came in. */
import type { Column, ColumnType } from '../column.ts';
import { isValid, withValid } from '../column.ts';
import { cellAt, cellBytes, columnOf, type Cell } from './cells.ts';
import type { Points } from './function.ts';

export interface SelectedPoint {
  readonly timeNs: bigint;
  readonly value: Cell;
  /** Of the other columns of its row; undefined for null. */
  readonly aux: readonly (Cell | undefined)[];
}

export function pointAt({ timesNs, values, aux }: Points, row: number): SelectedPoint {
  return {
    timeNs: timesNs[row] ?? 0n,
    value: cellAt(values, row),
    aux: aux.map((column) => (isValid(column, row) ? cellAt(column, row) : undefined)),
  };
}

/** What a held point takes of memory, never less than it really does. */
export function pointBytes({ value, aux }: SelectedPoint): number {
  return aux.reduce<number>((sum, cell) => sum + 16 + cellBytes(cell ?? 0), 96 + cellBytes(value));
}

export function selectedPoints(
  points: readonly SelectedPoint[],
  type: ColumnType,
  auxTypes: readonly ColumnType[],
): Points {
  return {
    timesNs: BigInt64Array.from(points, ({ timeNs }) => timeNs),
    values: columnOf(type, points.map(({ value }) => value)), // prettier-ignore
    aux: auxTypes.map((auxType, i) => nullableColumn(auxType, points.map(({ aux }) => aux[i]))), // prettier-ignore
  };
}

function nullableColumn(type: ColumnType, cells: readonly (Cell | undefined)[]): Column {
  const zero: Cell = type === 'string' ? '' : type === 'integer' || type === 'unsigned' ? 0n : 0;
  const column = columnOf(type, cells.map((cell) => cell ?? zero)); // prettier-ignore
  if (!cells.includes(undefined)) return column;
  return withValid(
    column,
    Uint8Array.from(cells, (cell) => Number(cell !== undefined)),
  );
}
