/**
 * Columns of numbers and booleans decoded, merged and encoded again in WebAssembly, for compaction. Twin: `runForm` of
 * storage/engine/columns/rows-forms.ts, which takes strings as well.
 */
import { assert } from '../base/assert.ts';
import { DbError } from '../base/errors.ts';
import { KernelArena, type BlockExports } from './kernel-arena.ts';

interface ColumnExports extends BlockExports {
  heapBase(): number;
  gatherWords(values: number, rows: number, count: number, out: number): void;
  gatherBytes(values: number, rows: number, count: number, out: number): void;

  orderRows(times: number, rows: number, count: number, spareTimes: number, spareRows: number, runs: number, sequences: number, order: number): number; // prettier-ignore
  encodeTimes(times: number, count: number, scratch: number, out: number): number;

  encodeBlock(type: number, times: number, timesLength: number, values: number, count: number, scratch: number, out: number): number; // prettier-ignore
  setClose(wanted: boolean): void;
}

const pagesFirst = 4;
const pagesMax = 65_536;
/** A value takes no more than 77 bits and a time no more than 64, and words are written whole. */
const bytesPerRowMax = 18;
/** Deltas of integers and the choice of their words, or the choice of the windows of floats. */
const scratchBytesPerRow = 13;
const slackBytes = 64;
const booleanType = 2;

/** A decoded block, or what is left of it. */
export interface KernelRows {
  readonly times: BigInt64Array;
  readonly values: Uint8Array;
  readonly count: number;
}

export class ColumnKernel {
  readonly #exports: ColumnExports;
  readonly #arena: KernelArena;

  constructor(module: WebAssembly.Module, options: { readonly bytesMax: number }) {
    const memory = new WebAssembly.Memory({ initial: pagesFirst, maximum: pagesMax });
    const unused = (): number => 0;
    const imports = { env: { memory, slowFloat: unused, slowText: unused, abort: unused } };
    const instance = new WebAssembly.Instance(module, imports);
    this.#exports = instance.exports as unknown as ColumnExports;
    const { bytesMax } = options;
    this.#arena = new KernelArena(memory, this.#exports, { base: this.#exports.heapBase(), bytesMax }); // prettier-ignore
  }

  /** Copies of a block's times and values, eight bytes each, booleans one. Throws `corrupt`. */
  decode(block: Uint8Array): KernelRows {
    const arena = this.#arena;
    const mark = arena.mark();
    try {
      const rows = arena.decodeBlock(block);
      if (rows === undefined) throw new DbError('corrupt', 'a block is not of the type of its key');
      const { count, timesPtr, valuesPtr } = rows;
      const width = block[0] === booleanType ? 1 : 8;
      const { buffer } = arena.memory;
      return {
        times: new BigInt64Array(buffer, timesPtr, count).slice(),
        values: new Uint8Array(buffer, valuesPtr, count * width).slice(),
        count,
      };
    } finally {
      arena.release(mark);
    }
  }

  /** All rows in order of time; of one time the row of the last part counts. `width` is that of a value in bytes. */
  merge(parts: readonly KernelRows[], width: number): KernelRows {
    const total = parts.reduce((sum, { count }) => sum + count, 0);
    const arena = this.#arena;
    const mark = arena.mark();
    try {
      const times = arena.allocate(total * 8);
      const values = arena.allocate(total * width);
      const rows = arena.allocate(total * 4);
      const spareTimes = arena.allocate(total * 8);
      const spareRows = arena.allocate(total * 4);
      const runs = arena.allocate((total + 1) * 4);
      const { buffer } = arena.memory;
      const bytes = new Uint8Array(buffer);
      const allTimes = new BigInt64Array(buffer, times, total);
      let at = 0;
      for (const part of parts) {
        allTimes.set(part.times, at);
        bytes.set(part.values, values + at * width);
        at += part.count;
      }
      const numbers = new Uint32Array(buffer, rows, total);
      for (let i = 0; i < total; i++) numbers[i] = i;
      const kept = this.#exports.orderRows(times, rows, total, spareTimes, spareRows, runs, 0, 0);
      // The spare times are free again, and as large as the values.
      if (width === 8) this.#exports.gatherWords(values, rows, kept, spareTimes);
      else this.#exports.gatherBytes(values, rows, kept, spareTimes);
      return {
        times: new BigInt64Array(buffer, times, kept).slice(),
        values: new Uint8Array(buffer, spareTimes, kept * width).slice(),
        count: kept,
      };
    } finally {
      arena.release(mark);
    }
  }

  /** The bytes of a block of all rows of the parts, which follow each other in time. A copy. Numbers are packed quickly or closely. */
  encode(type: number, parts: readonly KernelRows[], isClose = false): Uint8Array {
    const count = parts.reduce((sum, part) => sum + part.count, 0);
    assert(count > 0, 'a block has rows');
    const width = type === booleanType ? 1 : 8;
    const arena = this.#arena;
    const mark = arena.mark();
    try {
      const times = arena.allocate(count * 8);
      const values = arena.allocate(count * width);
      const scratch = arena.allocate(count * scratchBytesPerRow + slackBytes);
      const encodedTimes = arena.allocate(count * bytesPerRowMax + slackBytes);
      const out = arena.allocate(count * bytesPerRowMax * 2 + slackBytes);
      const { buffer } = arena.memory;
      const bytes = new Uint8Array(buffer);
      const allTimes = new BigInt64Array(buffer, times, count);
      let at = 0;
      for (const part of parts) {
        allTimes.set(part.times, at);
        bytes.set(part.values, values + at * width);
        at += part.count;
      }
      const timesLength = this.#exports.encodeTimes(times, count, scratch, encodedTimes);
      this.#exports.setClose(isClose);
      const length = this.#exports.encodeBlock(type, encodedTimes, timesLength, values, count, scratch, out); // prettier-ignore
      return new Uint8Array(arena.memory.buffer, out, length).slice();
    } finally {
      arena.release(mark);
    }
  }
}

/** Row `row`'s time. */
export function timeOf({ times }: KernelRows, row: number): bigint {
  return times[row] ?? 0n;
}

/** Rows [start, end) as views. */
export function cutRows(rows: KernelRows, start: number, end: number): KernelRows {
  const width = rows.count === 0 ? 8 : rows.values.length / rows.count;
  return {
    times: rows.times.subarray(start, end),
    values: rows.values.subarray(start * width, end * width),
    count: end - start,
  };
}
