/**
 * An arena, and the kernels that decode blocks of TSM files into it. Twin: decodeBlock of codec/block.ts, which also takes
 * the blocks of strings that are left to it here.
 */
import { DbError } from '../base/errors.ts';
import { Arena } from './arena.ts';

export interface BlockExports {
  blockRows(block: number, length: number): number;
  decodeBlock(block: number, length: number, rows: number, times: number, values: number): number;
  decodeEnd(block: number, length: number, rows: number, isFirst: number, out: number): number;
  reverseWords(values: number, count: number): void;
  reverseBytes(values: number, count: number): void;
}

/** Where the rows of a block are: times 8 bytes each, values too but for booleans, one byte each. */
export interface DecodedRows {
  readonly count: number;
  readonly timesPtr: number;
  readonly valuesPtr: number;
}

const unhandled = -2;
/** The kernel reads whole words, some of them past the end of a block. */
const paddingBytes = 16;

export class KernelArena extends Arena {
  readonly #exports: BlockExports;

  constructor(
    memory: WebAssembly.Memory,
    exports: BlockExports,
    options: { readonly base: number; readonly bytesMax: number },
  ) {
    super(memory, options);
    this.#exports = exports;
  }

  /** Undefined for a block of strings; throws `corrupt` when its parts do not add up. */
  decodeBlock(block: Uint8Array): DecodedRows | undefined {
    const { blockPtr, count } = this.#placeBlock(block);
    if (count === unhandled) return undefined;
    const timesPtr = this.allocate(count * 8);
    const valuesPtr = this.allocate(count * 8);
    if (this.#exports.decodeBlock(blockPtr, block.length, count, timesPtr, valuesPtr) < 0)
      throw new DbError('corrupt', 'a block does not add up');
    return { count, timesPtr, valuesPtr };
  }

  /** Where the first value of a block is, or the last, and nothing else of it; otherwise as decodeBlock(). */
  decodeEnd(block: Uint8Array, { isFirst }: { readonly isFirst: boolean }): number | undefined {
    const { blockPtr, count } = this.#placeBlock(block);
    if (count === unhandled) return undefined;
    const valuesPtr = this.allocate(8);
    if (this.#exports.decodeEnd(blockPtr, block.length, count, Number(isFirst), valuesPtr) < 0)
      throw new DbError('corrupt', 'a block does not add up');
    return valuesPtr;
  }

  #placeBlock(block: Uint8Array): { readonly blockPtr: number; readonly count: number } {
    const blockPtr = this.allocate(block.length + paddingBytes);
    new Uint8Array(this.memory.buffer, blockPtr, block.length).set(block);
    const count = this.#exports.blockRows(blockPtr, block.length);
    if (count < 0 && count !== unhandled) throw new DbError('corrupt', 'a block does not add up');
    return { blockPtr, count };
  }

  /** Turns rows around; `valueBytes` is 8 or 1. */
  reverse({ count, timesPtr, valuesPtr }: DecodedRows, valueBytes: number): void {
    this.#exports.reverseWords(timesPtr, count);
    if (valueBytes === 8) this.#exports.reverseWords(valuesPtr, count);
    else this.#exports.reverseBytes(valuesPtr, count);
  }
}
