import { withValid, type Column, type ColumnType } from '../column.ts';
import { ColumnBuilder, isConvertible, sliceColumn } from '../exec/columns/column-builder.ts';
import { concatColumns, concatTimes } from '../exec/columns/concat-columns.ts';
import { pickRows } from '../exec/columns/pick-rows.ts';
import type { Batch, PointBatch } from './batch.ts';

/** Small helpers over columns and batches that several operators share. */

export function slicePoints(points: PointBatch, start: number, end: number): PointBatch {
  if (start === 0 && end === points.timesNs.length) return points;
  return {
    timesNs: points.timesNs.subarray(start, end),
    values: sliceColumn(points.values, start, end),
    aux: points.aux.map((column) => sliceColumn(column, start, end)),
    subgroups: points.subgroups?.subarray(start, end),
  };
}

export function pickPoints(points: PointBatch, rows: Int32Array): PointBatch {
  return {
    timesNs: pickTimes(points.timesNs, rows),
    values: pickRows(points.values, rows),
    aux: points.aux.map((column) => pickRows(column, rows)),
    subgroups: points.subgroups && pickIds(points.subgroups, rows),
  };
}

export function pickBatch(batch: Batch, rows: Int32Array): Batch {
  return {
    timesNs: pickTimes(batch.timesNs, rows),
    columns: batch.columns.map((column) => pickRows(column, rows)),
    subgroups: batch.subgroups && pickIds(batch.subgroups, rows),
  };
}

export function pickTimes(timesNs: BigInt64Array, rows: Int32Array): BigInt64Array {
  const picked = new BigInt64Array(rows.length);
  for (let i = 0; i < rows.length; i++) picked[i] = timesNs[rows[i] ?? 0] ?? 0n;
  return picked;
}

function pickIds(ids: Int32Array, rows: Int32Array): Int32Array {
  const picked = new Int32Array(rows.length);
  for (let i = 0; i < rows.length; i++) picked[i] = ids[rows[i] ?? 0] ?? 0;
  return picked;
}

/** Those points that have a value. */
export function withValues(points: PointBatch): PointBatch {
  const { valid } = points.values;
  if (valid === undefined) return points;
  let count = 0;
  for (const one of valid) count += one;
  if (count === valid.length) return { ...points, values: withValid(points.values, undefined) };
  const rows = new Int32Array(count);
  for (let row = 0, at = 0; row < valid.length; row++) if (valid[row] === 1) rows[at++] = row;
  const picked = pickPoints(points, rows);
  return { ...picked, values: withValid(picked.values, undefined) };
}

/** Batches one behind the other. */
export function concatPoints(
  parts: readonly PointBatch[],
  type: ColumnType,
  auxTypes: readonly ColumnType[],
): PointBatch {
  const [only] = parts;
  if (only !== undefined && parts.length === 1) return only;
  return {
    timesNs: concatTimes(parts.map(({ timesNs }) => timesNs)),
    values: concatColumns(type, parts.map(({ values }) => values)), // prettier-ignore
    aux: auxTypes.map((auxType, i) =>
      concatColumns(
        auxType,
        parts.flatMap(({ aux }) => aux[i] ?? []),
      ),
    ),
    subgroups: parts.some(({ subgroups }) => subgroups !== undefined)
      ? concatIds(parts.map(({ subgroups, timesNs }) => subgroups ?? new Int32Array(timesNs.length))) // prettier-ignore
      : undefined,
  };
}

function concatIds(parts: readonly Int32Array[]): Int32Array {
  const all = new Int32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** The column in another type: numbers are converted, all else becomes null where the types differ. */
export function convertColumn(column: Column, type: ColumnType): Column {
  if (column.type === type) return column;
  const count = rowsOf(column);
  const builder = new ColumnBuilder(type, count);
  for (let row = 0; row < count; row++) builder.pushFrom(column, row);
  return builder.finish();
}

/** The same, but that a column which cannot be had in the type stays what it is. */
export function castColumn(column: Column, type: ColumnType): Column {
  return isConvertible(column.type, type) ? convertColumn(column, type) : column;
}

/** Floats that are no numbers as nulls. */
export function withoutNaN(column: Column): Column {
  if (column.type !== 'float' || !column.values.some(Number.isNaN)) return column;
  const { values, valid } = column;
  return withValid(column, Uint8Array.from(values, (value, row) => Number.isNaN(value) ? 0 : (valid?.[row] ?? 1))); // prettier-ignore
}

export function rowsOf({ values }: Column): number {
  return 'offsets' in values ? values.offsets.length - 1 : values.length;
}

/** Bytes that a batch holds, about. */
export function batchBytes({ timesNs, columns, subgroups }: Batch): number {
  const own = timesNs.byteLength + (subgroups?.byteLength ?? 0);
  return columns.reduce((sum, column) => sum + columnBytes(column), own);
}

export function pointsBytes({ timesNs, values, aux, subgroups }: PointBatch): number {
  const own = timesNs.byteLength + columnBytes(values) + (subgroups?.byteLength ?? 0);
  return aux.reduce((sum, column) => sum + columnBytes(column), own);
}

export function columnBytes({ values, valid }: Column): number {
  const own = 'offsets' in values ? values.offsets.byteLength + textBytes(values) : values.byteLength; // prettier-ignore
  return own + (valid?.byteLength ?? 0);
}

function textBytes({ offsets }: { readonly offsets: Uint32Array }): number {
  return (offsets[offsets.length - 1] ?? 0) - (offsets[0] ?? 0);
}
