import type { Column } from '../../query/column.ts';
import type { OutputSeries } from '../../query/emit/result.ts';
import { pickedOf } from '../../query/exec/columns/pick-merged.ts';

/** What a piece of an answer takes of memory while it is held back: its columns, and then their text in the document. */
export function answerBytes(series: OutputSeries): number {
  if (series.kind !== 'columns') return 0;
  let bytes = series.timesNs.byteLength;
  for (const column of series.values) bytes += columnBytes(column);
  return bytes * copiesHeld;
}

const copiesHeld = 2;

function columnBytes(column: Column): number {
  const picked = pickedOf(column);
  // Its cells are in chunks, and are not to be picked for being counted: of those it has a part, other pieces have the others.
  if (picked !== undefined) {
    const { chunks, rowAt } = picked.rows;
    let [bytes, rows] = [0, 0];
    for (const { columns, timesNs } of chunks) {
      const part = columns[picked.at];
      bytes += part === undefined ? 0 : columnBytes(part);
      rows += timesNs.length;
    }
    return Math.ceil((bytes / Math.max(1, rows)) * rowAt.length);
  }
  const { values, valid } = column;
  const isText = 'offsets' in values;
  const bytes = isText ? values.offsets.byteLength + textBytes(values) : values.byteLength;
  return bytes + (valid?.byteLength ?? 0);
}

function textBytes({ offsets }: { readonly offsets: Uint32Array }): number {
  return (offsets[offsets.length - 1] ?? 0) - (offsets[0] ?? 0);
}
