import type { Column } from '../../column.ts';
import { repeatedTextOf } from '../../repeated-text.ts';
import type { RowChunk } from '../series/series-rows.ts';
import { pickedOf } from './pick-merged.ts';

/** Of a row that is picked when somebody asks for it: which chunk has it, and where there. */
const pickedRowBytes = 2 * Uint32Array.BYTES_PER_ELEMENT;

/**
 * What a series that is open for reading takes besides its rows: cursors, predicates, its texts, and an object or two of each column.
 * Of very many series of one row and five columns a profile of the heap had some 3 KB each.
 */
const openBytes = 1_024;
const openColumnBytes = 384;

/** What a stream takes that has a chunk at hand. */
export function streamBytes(chunk: RowChunk): number {
  return openBytes + chunk.columns.length * openColumnBytes + chunkBytes(chunk);
}

/** Bytes that the rows of a chunk take; cells that are yet to be made are not made for being counted. */
export function chunkBytes({ timesNs, columns }: RowChunk): number {
  let bytes = timesNs.byteLength;
  for (const column of columns) bytes += columnBytes(column, timesNs.length);
  return bytes;
}

function columnBytes(column: Column, rowCount: number): number {
  const repeated = repeatedTextOf(column);
  if (repeated !== undefined) return repeated.text?.length ?? 0;
  if (pickedOf(column) !== undefined) return rowCount * pickedRowBytes;
  const { values, valid } = column;
  const own = 'offsets' in values ? values.offsets.byteLength + values.bytes.byteLength : values.byteLength; // prettier-ignore
  return own + (valid?.byteLength ?? 0);
}
