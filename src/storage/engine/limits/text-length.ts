/** The reference stores no text of more than a mebibyte (1.12.4): its row is refused, and told with the fields that conflict. */
import type { BatchRows, PointBatch, TextColumn } from '../../../models/point-batch.ts';

export const textBytesMax = 1_048_576;

export interface LongText {
  /** Place of its field in the row. */
  readonly field: number;
  readonly lengthBytes: number;
}

/** Whether texts of a batch may be too long: without a look at each of them where all together are no longer. */
export function mayHaveLongTexts({ sets }: PointBatch): boolean {
  for (const { rows } of sets) if (isLong(rows)) return true;
  return false;
}

/** The first one of a row. */
export function longTextOf({ columns }: BatchRows, row: number): LongText | undefined {
  for (const [field, column] of columns.entries()) {
    if (!('offsets' in column)) continue;
    const lengthBytes = lengthOf(column, row);
    if (lengthBytes > textBytesMax) return { field, lengthBytes };
  }
  return undefined;
}

/** Whether each row has a text that is too long, so that all are refused. */
export function haveLongTexts(rows: BatchRows): boolean {
  if (!isLong(rows)) return false;
  for (let row = 0; row < rows.rowCount; row++)
    if (longTextOf(rows, row) === undefined) return false;
  return true;
}

function isLong({ columns }: BatchRows): boolean {
  return columns.some((column) => 'offsets' in column && column.bytes.length > textBytesMax);
}

function lengthOf({ offsets }: TextColumn, row: number): number {
  return (offsets[row + 1] ?? 0) - (offsets[row] ?? 0);
}
