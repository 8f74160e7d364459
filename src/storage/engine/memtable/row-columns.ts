/** Columns of a batch on their way into a table's memory, and of rows on their way out. */
import type { BatchRows, TextColumn } from '../../../models/point-batch.ts';
import type { StoreKernel } from '../../../kernels/store-kernel.ts';
import type { ListedRows } from './ordered-rows.ts';

type Rows = Pick<ListedRows, 'rows' | 'count'>;

/** Copies a view of `words` to where it is to lie in the memory. */
export function copyWords(
  { byteOffset, byteLength }: Pick<Uint32Array, 'byteOffset' | 'byteLength'>,
  words: Uint32Array,
  memory: Uint32Array,
  place: number,
): void {
  const [from, to] = [(byteOffset - words.byteOffset) / 4, place / 4];
  for (let i = 0; i < byteLength / 4; i++) memory[to + i] = words[from + i] ?? 0;
}

/** Bytes of all texts of a shape. */
export function textBytesOf({ columns }: BatchRows): number {
  return columns.reduce((sum, column) => {
    if (!('offsets' in column)) return sum;
    return sum + (column.offsets[column.offsets.length - 1] ?? 0) - (column.offsets[0] ?? 0);
  }, 0);
}

/** Copies of the texts of rows; `column` is where kernels find their column. */
export function textsOfRows(
  kernel: StoreKernel,
  column: number,
  { rows, count }: Rows,
): TextColumn {
  const { heap, exports } = kernel;
  const textBytes = exports.chunkTextBytes(column, rows, count) >>> 0;
  const lengthBytes = (count + 1) * 4 + textBytes;
  const at = heap.allocate(lengthBytes);
  exports.chunkTexts(column, rows, count, at, at + (count + 1) * 4);
  const offsets = kernel.words(at, count + 1).slice();
  const bytes = kernel.bytes(at + (count + 1) * 4, textBytes).slice();
  heap.free(at, lengthBytes);
  return { offsets, bytes };
}

/** A copy of the places of rows among all of the memtable. */
export function sequencesOfRows(
  kernel: StoreKernel,
  column: number,
  { rows, count }: Rows,
): Uint32Array {
  const { heap, exports } = kernel;
  const lengthBytes = Math.max(1, count) * 4;
  const at = heap.allocate(lengthBytes);
  exports.chunkSequences(column, rows, count, at);
  const sequences = kernel.words(at, count).slice();
  heap.free(at, lengthBytes);
  return sequences;
}
