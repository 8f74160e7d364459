/**
 * The columns of a table in the store's memory, in chunks of so many rows. The first chunk grows by doubling, so that a rare
 * shape stays small; full ones are never copied again.
 *
 * Invariants:
 * - A row, once written, keeps its place in its chunk; the directory always says where the chunk is.
 * - Columns are numbered: times, rows of the same series before (+ 1), order of arrival, then the fields.
 */
import { must } from '../../../base/assert.ts';
import { copyBytes } from '../../../base/copy-bytes.ts';
import { FieldType } from '../../../models/field-value.ts';
import type { BatchField, TextColumn } from '../../../models/point-batch.ts';
import type { StoreKernel } from '../../../kernels/store-kernel.ts';

export const chunkRowsMax = 16_384;
const chunkRowsFirst = 4;
const strideFirst = 4;
const textRoomFirst = 1_024;
const textRoomMost = 1 << 20;

export const Column = { times: 0, previous: 1, sequence: 2, firstField: 3 } as const;

type Fixed = BigInt64Array | Float64Array | BigUint64Array | Uint8Array | Uint32Array;

interface Block {
  readonly at: number;
  readonly lengthBytes: number;
}

interface Chunk {
  capacity: number;
  readonly columns: number[];
}

export class ShapeChunks {
  readonly #kernel: StoreKernel;
  /** Bytes a row takes, by number of the column. */
  readonly #widths: readonly number[];
  readonly #chunks: Chunk[] = [];
  #directory: Block;
  #stride = strideFirst;
  readonly #textRooms: Block[] = [];
  #roomBytes = textRoomFirst / 2;
  #textTop = 0;
  #textEnd = 0;

  constructor(kernel: StoreKernel, fields: readonly BatchField[]) {
    this.#kernel = kernel;
    // A text is where its bytes are, and how many.
    const own = fields.map(({ type }) => (type === FieldType.boolean ? 1 : 8));
    this.#widths = [8, 4, 4, ...own];
    this.#directory = this.#newDirectory(strideFirst);
  }

  /** Where kernels find the chunks of a column. */
  column(number: number): number {
    return this.#directory.at + number * this.#stride * 4;
  }

  width(column: number): number {
    return this.#widths[column] ?? 8;
  }

  /** Makes room for `count` rows from `row` on, as far as a chunk has it; answers how many it is. */
  reserve(row: number, count: number): number {
    const number = Math.floor(row / chunkRowsMax);
    const at = row % chunkRowsMax;
    const wanted = Math.min(at + count, chunkRowsMax);
    const known = this.#chunks[number];
    if (known === undefined)
      this.#add(Math.max(number === 0 ? chunkRowsFirst : chunkRowsMax, wanted)); // prettier-ignore
    else if (wanted > known.capacity) this.#grow(known, Math.max(known.capacity * 4, wanted));
    return wanted - at;
  }

  /** Writes values to rows that are reserved, all in one chunk. */
  write(column: number, row: number, values: Fixed): void {
    const { buffer, byteOffset, byteLength } = values;
    copyBytes(this.#kernel.bytes(this.place(column, row), byteLength), new Uint8Array(buffer, byteOffset, byteLength)); // prettier-ignore
  }

  /** Where the value of a row is. */
  place(column: number, row: number): number {
    const chunk = must(this.#chunks[Math.floor(row / chunkRowsMax)], 'a row has its chunk');
    return (chunk.columns[column] ?? 0) + (row % chunkRowsMax) * this.width(column);
  }

  /** A copy of the bytes of texts, which stays until all is released. */
  keepTexts({ offsets, bytes }: TextColumn): number {
    const start = offsets[0] ?? 0;
    const lengthBytes = (offsets[offsets.length - 1] ?? 0) - start;
    if (this.#textEnd - this.#textTop < lengthBytes) this.#addTextRoom(lengthBytes);
    const at = this.#textTop;
    copyBytes(this.#kernel.bytes(at, lengthBytes), bytes.subarray(start, start + lengthBytes));
    this.#textTop += lengthBytes;
    return at;
  }

  release(): void {
    const { heap } = this.#kernel;
    for (const { columns, capacity } of this.#chunks)
      for (const [column, at] of columns.entries()) heap.free(at, capacity * this.width(column));
    for (const { at, lengthBytes } of this.#textRooms) heap.free(at, lengthBytes);
    heap.free(this.#directory.at, this.#directory.lengthBytes);
  }

  #add(capacity: number): void {
    const rounded = powerOfTwo(capacity);
    const columns: number[] = [];
    for (const width of this.#widths) columns.push(this.#kernel.heap.allocate(rounded * width));
    this.#chunks.push({ capacity: rounded, columns });
    if (this.#chunks.length > this.#stride) this.#widenDirectory();
    this.#list(this.#chunks.length - 1);
  }

  #grow(chunk: Chunk, capacity: number): void {
    const rounded = Math.min(powerOfTwo(capacity), chunkRowsMax);
    const { heap } = this.#kernel;
    for (const [column, width] of this.#widths.entries()) {
      const from = chunk.columns[column] ?? 0;
      const at = heap.allocate(rounded * width);
      this.#kernel.bytes(at, chunk.capacity * width).set(this.#kernel.bytes(from, chunk.capacity * width)); // prettier-ignore
      heap.free(from, chunk.capacity * width);
      chunk.columns[column] = at;
    }
    chunk.capacity = rounded;
    this.#list(this.#chunks.indexOf(chunk));
  }

  #addTextRoom(lengthBytes: number): void {
    this.#roomBytes = Math.min(this.#roomBytes * 2, textRoomMost);
    const room = Math.max(lengthBytes, this.#roomBytes);
    const at = this.#kernel.heap.allocate(room);
    this.#textRooms.push({ at, lengthBytes: room });
    [this.#textTop, this.#textEnd] = [at, at + room];
  }

  #newDirectory(stride: number): Block {
    const lengthBytes = this.#widths.length * stride * 4;
    return { at: this.#kernel.heap.allocate(lengthBytes), lengthBytes };
  }

  #widenDirectory(): void {
    const narrow = this.#directory;
    this.#stride *= 2;
    this.#directory = this.#newDirectory(this.#stride);
    this.#kernel.heap.free(narrow.at, narrow.lengthBytes);
    for (const number of this.#chunks.keys()) this.#list(number);
  }

  #list(number: number): void {
    const chunk = must(this.#chunks[number], 'a chunk is there');
    chunk.columns.forEach((at, column) => {
      this.#kernel.words(this.column(column) + number * 4, 1)[0] = at;
    });
  }
}

function powerOfTwo(count: number): number {
  return 2 ** Math.ceil(Math.log2(count));
}
