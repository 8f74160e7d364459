import type { BatchColumn, BatchRows, PointBatch } from '../../../models/point-batch.ts';
import { emptyColumn, gatherTexts } from '../columns/column-run.ts';
import { must } from '../../../base/assert.ts';

/** Whether a reject bitmap, one bit per ordinal and maybe empty, refuses a row. */
export function isRefused(rejects: Uint8Array, ordinal: number): boolean {
  return ((rejects[ordinal >>> 3] ?? 0) & (1 << (ordinal & 7))) !== 0;
}

export function refusedCount(rejects: Uint8Array, rowCount: number): number {
  let count = 0;
  if (rejects.length > 0) for (let i = 0; i < rowCount; i++) if (isRefused(rejects, i)) count++;
  return count;
}

/** Looks no further than to the first row that is taken. */
export function areAllRefused(rejects: Uint8Array, ordinals: Uint32Array): boolean {
  for (let i = 0; i < ordinals.length; i++) if (!isRefused(rejects, ordinals[i] ?? 0)) return false;
  return true;
}

/** The rows that `rejects` does not refuse. */
export function withoutRefused(all: BatchRows, rejects: Uint8Array): BatchRows {
  if (rejects.length === 0) return all;
  const rows: number[] = [];
  all.ordinals.forEach((ordinal, row) => {
    if (!isRefused(rejects, ordinal)) rows.push(row);
  });
  return rows.length === all.rowCount ? all : pickRows(all, rows);
}

/** Some of the rows, with some of their fields: all when left out. */
export function pickRows<Rows extends BatchRows>(
  all: Rows,
  rows: readonly number[],
  columns: readonly number[] = all.fields.map((_, i) => i),
): Rows {
  return {
    ...all,
    rowCount: rows.length,
    fields: columns.map((i) => must(all.fields[i], 'the field is there')),
    ordinals: Uint32Array.from(rows, (row) => all.ordinals[row] ?? 0),
    series: Uint32Array.from(rows, (row) => all.series[row] ?? 0),
    timesNs: BigInt64Array.from(rows, (row) => all.timesNs[row] ?? 0n),
    columns: columns.map((i) => pickValues(all, i, rows)),
  };
}

function pickValues(
  { fields, columns }: BatchRows,
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

/** A byte for each series of the batch: 1 when a row of it is taken. */
export function takenSeries(batch: PointBatch, rejects: Uint8Array): Uint8Array {
  const taken = new Uint8Array(batch.series.offsets.length - 1);
  for (const { rows } of batch.sets) {
    rows.ordinals.forEach((ordinal, i) => {
      if (!isRefused(rejects, ordinal)) taken[rows.series[i] ?? 0] = 1;
    });
  }
  return taken;
}
