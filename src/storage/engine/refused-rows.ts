import type { BatchColumn, BatchShape } from '../../models/point-batch.ts';
import { emptyColumn, gatherTexts } from './column-run.ts';
import { must } from '../../base/assert.ts';

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
  if (rows.length === shape.rowCount) return shape;
  return {
    ...shape,
    rowCount: rows.length,
    ordinals: Uint32Array.from(rows, (row) => shape.ordinals[row] ?? 0),
    series: Uint32Array.from(rows, (row) => shape.series[row] ?? 0),
    timesNs: BigInt64Array.from(rows, (row) => shape.timesNs[row] ?? 0n),
    columns: shape.fields.map(({ type }, c) => {
      const column: BatchColumn = must(shape.columns[c], 'a column per field');
      if ('offsets' in column) {
        const textAt = (i: number) => {
          const row = rows[i] ?? 0;
          return column.bytes.subarray(column.offsets[row], column.offsets[row + 1]);
        };
        return gatherTexts(rows.length, textAt);
      }
      const values = emptyColumn(type, rows.length);
      rows.forEach((row, i) => {
        values[i] = column[row] as never;
      });
      return values;
    }),
  };
}
