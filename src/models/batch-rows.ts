import type { BatchShape, PointBatch } from './point-batch.ts';

export interface BatchRow {
  readonly shape: BatchShape;
  /** Of the shape's columns. */
  readonly row: number;
}

/** The rows of a batch as they were written, whatever their shapes: of two of one series and time the later one wins. */
export function rowsInOrder({ shapes, rowCount }: PointBatch): readonly BatchRow[] {
  const rows: (BatchRow | undefined)[] = Array.from({ length: rowCount });
  // Ordinals are places among all rows; one that is none is behind the others.
  const beyond: BatchRow[] = [];
  for (const shape of shapes)
    shape.ordinals.forEach((ordinal, row) => {
      if (ordinal < rowCount && rows[ordinal] === undefined) rows[ordinal] = { shape, row };
      else beyond.push({ shape, row });
    });
  return [...rows, ...beyond].filter((one) => one !== undefined);
}
