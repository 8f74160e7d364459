/**
 * Summaries of ranges of a column where it lies, in the memory of an arena. Twin: the loops of
 * query/exec/window-accumulator.ts over typed arrays.
 */
import { Arena } from './arena.ts';

export type NumberType = 'float' | 'integer' | 'unsigned';

/** Of the rows [from, end): first and last are from and end - 1, the count is their distance. */
export interface RangeSummary {
  readonly sum: number | bigint;
  readonly minRow: number;
  readonly maxRow: number;
}

interface WindowExports {
  heapBase(): number;
  summarizeFloats(values: number, from: number, end: number, base: number, out: number): void;
  summarizeIntegers(values: number, from: number, end: number, base: bigint, out: number): void;
  summarizeUnsigned(values: number, from: number, end: number, base: bigint, out: number): void;
  firstNotBefore(times: number, from: number, end: number, time: bigint): number;
}

const pagesFirst = 4;
const pagesMax = 65_536;
const outBytes = 16;

export class WindowKernel {
  /** Cursors write here, and what they wrote is summarised where it is. */
  readonly arena: Arena;
  readonly #exports: WindowExports;
  readonly #out: number;

  /** `module` is the kernels', compiled. Each kernel has a memory of its own. */
  constructor(module: WebAssembly.Module, options: { readonly bytesMax: number }) {
    const memory = new WebAssembly.Memory({ initial: pagesFirst, maximum: pagesMax });
    const unused = (): number => 0;
    const imports = { env: { memory, slowFloat: unused, abort: unused } };
    const instance = new WebAssembly.Instance(module, imports);
    this.#exports = instance.exports as unknown as WindowExports;
    this.arena = new Arena(memory, { base: this.#exports.heapBase(), bytesMax: options.bytesMax });
    this.#out = this.arena.allocate(outBytes);
  }

  summarize(
    type: NumberType,
    valuesPtr: number,
    [from, end]: readonly [number, number],
    base: number | bigint,
  ): RangeSummary {
    const out = this.#out;
    if (type === 'float') this.#exports.summarizeFloats(valuesPtr, from, end, Number(base), out);
    else if (type === 'integer')
      this.#exports.summarizeIntegers(valuesPtr, from, end, BigInt(base), out);
    else this.#exports.summarizeUnsigned(valuesPtr, from, end, BigInt(base), out);
    const view = new DataView(this.arena.memory.buffer, out, outBytes);
    const sum =
      type === 'float'
        ? view.getFloat64(0, true)
        : type === 'integer'
          ? view.getBigInt64(0, true)
          : view.getBigUint64(0, true);
    return { sum, minRow: view.getUint32(8, true), maxRow: view.getUint32(12, true) };
  }

  firstNotBefore(timesPtr: number, [from, end]: readonly [number, number], timeNs: bigint): number {
    return this.#exports.firstNotBefore(timesPtr, from, end, timeNs);
  }
}
