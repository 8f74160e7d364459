/**
 * The memory of a worker's store and the kernels that work on it: tables of series (key-table.ts), rows of memtables
 * (storage/engine/memtable/shape-table.ts) and the encoders of their flush. JavaScript knows what lies there by its pointers.
 */
import { SharedBuffers } from '../base/shared-buffers.ts';
import { KernelHeap } from './kernel-heap.ts';
import { KeptMemory } from './kept-memory.ts';
import type { WindowExports } from './window-table.ts';

export interface StoreExports extends WindowExports {
  heapBase(): number;
  tableFind(table: number, ptr: number, length: number): number;

  tableFindAll(table: number, base: number, starts: number, ends: number, count: number, ids: number): void; // prettier-ignore
  tableIntern(table: number, ptr: number, length: number): number;
  tableRehash(table: number): void;

  resolveSeries(series: number, measurements: number, tagKeys: number, scratch: number, offsets: number, bytes: number, from: number, count: number, taken: number, ids: number): number; // prettier-ignore

  unknownSeries(series: number, offsets: number, bytes: number, count: number, out: number): number; // prettier-ignore

  listMembers(series: number, measurements: number, measurement: number, from: number, out: number): void; // prettier-ignore

  listTag(series: number, members: number, from: number, end: number, tagKey: number, tagKeyBytes: number, table: number, values: number): number; // prettier-ignore

  selectMembers(members: number, values: number, count: number, wanted: number, out: number): number; // prettier-ignore
  sortStart(series: number, ids: number, count: number, tail: bigint, pairs: number): number;

  areSorted(series: number, pairs: number, count: number, common: number, tail: bigint): number;
  byteCountsBytes(): number;
  countBytes(pairs: number, count: number, counts: number): number;
  moveByByte(pairs: number, to: number, count: number, number: number, counts: number): number;
  sortPass(series: number, from: number, to: number, count: number, width: number, common: number, tail: bigint): number; // prettier-ignore
  sortEnd(pairs: number, count: number, out: number): void;

  chainRows(heads: number, mask: number, series: number, ids: number, count: number, row: number, previous: number): number; // prettier-ignore
  moveHeads(heads: number, mask: number, to: number, toMask: number): void;
  listHeads(heads: number, mask: number, out: number): number;
  firstRow(heads: number, mask: number, series: number): number;
  rowsOfSeries(heads: number, mask: number, series: number): number;

  chainedSince(heads: number, mask: number, series: number, rowsMin: number, rowsMax: number, room: number, previous: number, timesColumn: number, rows: number, times: number): number; // prettier-ignore

  endRow(heads: number, mask: number, series: number, rowsMax: number, previous: number, timesColumn: number, least: bigint, greatest: bigint, ascending: boolean, sequences: number, order: number): number; // prettier-ignore
  runWorkBytes(rowsMax: number): number;

  listRuns(heads: number, mask: number, ids: number, count: number, rowsMax: number, previous: number, times: number, least: bigint, greatest: bigint, seriesRowsMax: number, room: number, counts: number, timesOut: number, rows: number, work: number, sequences: number, order: number): number; // prettier-ignore
  chunkWords(column: number, rows: number, count: number, out: number): void;
  chunkBytes(column: number, rows: number, count: number, out: number): void;
  chunkSequences(column: number, rows: number, count: number, out: number): void;
  chunkTextBytes(column: number, rows: number, count: number): number;

  chunkTexts(column: number, rows: number, count: number, offsets: number, out: number): void;

  placeTexts(offsets: number, from: number, count: number, base: number, out: number): void;
  addToWords(words: number, count: number, value: number): void;
  isAscending(times: number, count: number): number;

  orderRows(times: number, rows: number, count: number, spareTimes: number, spareRows: number, runs: number, sequences: number, order: number): number; // prettier-ignore
  crcOf(ptr: number, length: number): number;
  listRecords(ptr: number, length: number, magic: number, salt: number, largeBytes: number, out: number): number; // prettier-ignore
  recordsOfShard(index: number, low: number, high: number): number;
  slotRecords(index: number): void;
  sequencesOfRecords(index: number, segment: number, offset: number, out: number): number;
  noteRecords(index: number, rows: number, count: number, segment: number, base: number, ofRows: number, breaks: number, vouches: number): bigint; // prettier-ignore
  keepRecords(index: number, ptr: number, rows: number, count: number, ofRows: number, bytesMax: number, out: number, handedRows: number): bigint; // prettier-ignore
  flushedBlocks(): number;
  flushedIndex(): number;
  flushWorkBytes(rows: number): number;

  flushSeries(series: number, tables: number, table: number, heads: number, mask: number, previous: number, times: number, sequences: number, order: number, columns: number, columnCount: number, ids: number, from: number, count: number, rowsMax: number, work: number, offset: bigint, blocks: number, blocksTop: number, index: number, indexTop: number, starts: number, counts: number, placedTimes: number): number; // prettier-ignore

  placeSeries(series: number, tables: number, table: number, heads: number, mask: number, ids: number, from: number, end: number, before: number, starts: number, counts: number, places: number): number; // prettier-ignore
  placeRows(previous: number, from: number, end: number, places: number): void;
  placeWords(column: number, from: number, end: number, places: number, out: number): void;
  placeBytes(column: number, from: number, end: number, places: number, out: number): void;

  arePlacedInTime(starts: number, counts: number, from: number, end: number, times: number): number; // prettier-ignore
  listPlaced(places: number, from: number, end: number, rows: number): void;

  orderPlaced(starts: number, counts: number, from: number, end: number, rowsMax: number, enough: number, times: number, rows: number, places: number, work: number, sequences: number, order: number): number; // prettier-ignore
  encodeTimes(times: number, count: number, scratch: number, out: number): number;

  encodeBlock(type: number, times: number, timesLength: number, values: number, count: number, scratch: number, out: number): number; // prettier-ignore
}

/** What readers leave for each other takes no more of a worker's memory than this, and a quarter of what it may have. */
const keptBytesMax = 128 << 20;
const buffersKeptBytesMax = 16 << 20;
/** Room that is not kept past a use once it has been so large. */
const scratchKeptBytes = 4 << 20;

export interface StoreKernelOptions {
  readonly bytesMax: number;
  readonly memory?: WebAssembly.Memory | undefined;
}

export class StoreKernel {
  readonly exports: StoreExports;
  readonly heap: KernelHeap;
  readonly kept: KeptMemory;
  /** What files are put together in: megabytes for each flush, which are used again. */
  readonly buffers = new SharedBuffers(buffersKeptBytesMax);
  #scratch = { at: 0, lengthBytes: 0 };
  #view = new DataView(new ArrayBuffer(0));
  #allWords = new Uint32Array(0);

  private constructor(exports: StoreExports, heap: KernelHeap, kept: KeptMemory) {
    this.exports = exports;
    this.heap = heap;
    this.kept = kept;
  }

  static createMemory(): WebAssembly.Memory {
    return new WebAssembly.Memory({ initial: 1, maximum: 65_536 });
  }

  /**
   * `module` is the kernels', compiled; `bytesMax` bounds what lies in the memory. That may be one that no other kernel uses
   * any more, with whatever is left in it.
   */
  static create(module: WebAssembly.Module, options: StoreKernelOptions): StoreKernel {
    const { memory = StoreKernel.createMemory() } = options;
    const unused = (): number => 0;
    const imports = { env: { memory, slowFloat: unused, slowText: unused, abort: unused } };
    const exports = new WebAssembly.Instance(module, imports).exports as unknown as StoreExports;
    const base = exports.heapBase();
    const kept = new KeptMemory(Math.min(keptBytesMax, options.bytesMax / 4));
    const reclaim = (): void => {
      kept.clear();
    };
    return new StoreKernel(
      exports,
      new KernelHeap(memory, { base, reclaim, bytesMax: options.bytesMax }),
      kept,
    );
  }

  /** Changes whenever the memory grows: views made of an earlier one see nothing. */
  get buffer(): ArrayBuffer {
    return this.heap.memory.buffer;
  }

  /** All of the memory, for a value here and there; it holds as `buffer` does. */
  get view(): DataView {
    const { buffer } = this;
    if (this.#view.buffer !== buffer) this.#view = new DataView(buffer);
    return this.#view;
  }

  /** The same as words: word number n is at n * 4. */
  get allWords(): Uint32Array {
    const { buffer } = this;
    if (this.#allWords.buffer !== buffer) this.#allWords = new Uint32Array(buffer);
    return this.#allWords;
  }

  words(at: number, count: number): Uint32Array {
    return new Uint32Array(this.buffer, at, count);
  }

  bytes(at: number, lengthBytes: number): Uint8Array {
    return new Uint8Array(this.buffer, at, lengthBytes);
  }

  /** Room for work, which the next call may give to another. */
  scratch(lengthBytes: number): number {
    const { at, lengthBytes: held } = this.#scratch;
    const isTooLarge = held > scratchKeptBytes && lengthBytes <= scratchKeptBytes;
    if (held >= lengthBytes && !isTooLarge) return at;
    if (held > 0) this.heap.free(at, held);
    this.#scratch = { at: 0, lengthBytes: 0 };
    const wanted = Math.max(lengthBytes, 1 << 16);
    this.#scratch = { at: this.heap.allocate(wanted), lengthBytes: wanted };
    return this.#scratch.at;
  }
}
