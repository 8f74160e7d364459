import type { BatchColumn, BatchShape } from '../../../models/point-batch.ts';
import { emptyColumn, gatherTexts } from '../columns/column-run.ts';
import { must } from '../../../base/assert.ts';

/** Whether a reject bitmap, one bit per ordinal and maybe empty, refuses a row. */
export function isRefused(rejects: Uint8Array, ordinal: number): boolean {
  return ((rejects[ordinal >>> 3] ?? 0) & (1 << (ordinal & 7))) !== 0;
}

/** The rows of a shape that `rejects` does not refuse. */
export function withoutRefused(shape: BatchShape, rejects: Uint8Array): BatchShape {
  if (rejects.length === 0) return shape;
  const rows: number[] = [];
  shape.ordinals.forEach((ordinal, row) => {
    if (!isRefused(rejects, ordinal)) rows.push(row);
  });
  return rows.length === shape.rowCount ? shape : pickRows(shape, rows);
}

/** Some rows of a shape, with some of its fields: all when left out. */
export function pickRows(
  shape: BatchShape,
  rows: readonly number[],
  columns: readonly number[] = shape.fields.map((_, i) => i),
): BatchShape {
  return {
    ...shape,
    rowCount: rows.length,
    fields: columns.map((i) => must(shape.fields[i], 'the field is there')),
    ordinals: Uint32Array.from(rows, (row) => shape.ordinals[row] ?? 0),
    series: Uint32Array.from(rows, (row) => shape.series[row] ?? 0),
    timesNs: BigInt64Array.from(rows, (row) => shape.timesNs[row] ?? 0n),
    columns: columns.map((i) => pickValues(shape, i, rows)),
  };
}

function pickValues(
  { fields, columns }: BatchShape,
  i: number,
  rows: readonly number[],
): BatchColumn {
  const column = must(columns[i], 'a column per field');
  if ('offsets' in column)
    return gatherTexts(rows.length, (at) => {
      const row = rows[at] ?? 0;
      return column.bytes.subarray(column.offsets[row], column.offsets[row + 1]);
    });
  const values = emptyColumn(must(fields[i], 'the field is there').type, rows.length);
  rows.forEach((row, at) => {
    values[at] = column[row] as never;
  });
  return values;
}
