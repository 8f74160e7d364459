/**
 * What a query does with columns in the memory of an arena: decoded blocks, tables of windows, and masks of predicates,
 * whose twin is evaluate() of query/predicate.ts.
 */
import { KernelArena, type BlockExports } from './kernel-arena.ts';
import {
  WindowTable,
  type NumberType,
  type WindowColumn,
  type WindowExports,
  type WindowGrid,
} from './window-table.ts';

interface MaskExports {
  heapBase(): number;
  compareFloats(values: number, count: number, operator: number, bound: number, mask: number): void;
  compareIntegers(
    values: number,
    count: number,
    operator: number,
    bound: bigint,
    mask: number,
  ): void;
  compareUnsigned(
    values: number,
    count: number,
    operator: number,
    bound: bigint,
    mask: number,
  ): void;
  andMask(mask: number, other: number, count: number): void;
  orMask(mask: number, other: number, count: number): void;
  rowsOfMask(mask: number, count: number, rows: number): number;
}

const operators = ['=', '!=', '<', '<=', '>', '>='] as const;
export type MaskOperator = (typeof operators)[number];

/** One byte a row in the arena. */
export interface Mask {
  readonly ptr: number;
  readonly count: number;
}

/** A column of numbers in the arena. */
export interface PlacedNumbers {
  readonly type: NumberType;
  readonly ptr: number;
  readonly count: number;
}

const pagesFirst = 4;
const pagesMax = 65_536;

export class QueryKernel {
  /** Cursors write here, and what they wrote is summarised where it is. */
  readonly arena: KernelArena;
  readonly #exports: MaskExports & BlockExports & WindowExports;

  /** `module` is the kernels', compiled. Each kernel has a memory of its own. */
  constructor(module: WebAssembly.Module, options: { readonly bytesMax: number }) {
    const memory = new WebAssembly.Memory({ initial: pagesFirst, maximum: pagesMax });
    const unused = (): number => 0;
    const imports = { env: { memory, slowFloat: unused, slowText: unused, abort: unused } };
    const instance = new WebAssembly.Instance(module, imports);
    const exports = instance.exports as unknown as MaskExports & BlockExports & WindowExports;
    this.#exports = exports;
    const { bytesMax } = options;
    this.arena = new KernelArena(memory, exports, { base: exports.heapBase(), bytesMax });
  }

  /** Tables of windows of some columns, in the arena until a mark from before is released. */
  windowTable(columns: readonly WindowColumn[], grid: WindowGrid): WindowTable {
    return new WindowTable(this.#exports, this.arena, { columns, grid });
  }

  /** A column in the arena, to be compared as often as a predicate has it. */
  placeNumbers(
    type: NumberType,
    { buffer, byteOffset, length: count }: Float64Array | BigInt64Array | BigUint64Array,
  ): PlacedNumbers {
    return { type, ptr: this.#place(new Uint8Array(buffer, byteOffset, count * 8)), count };
  }

  /** Which values meet `operator bound`, into a mask of as many rows; the bound is of the column's type. */
  compare(
    { type, ptr, count }: PlacedNumbers,
    operator: MaskOperator,
    bound: number | bigint,
    mask: Mask,
  ): void {
    const code = operators.indexOf(operator);
    if (type === 'float') this.#exports.compareFloats(ptr, count, code, Number(bound), mask.ptr);
    else if (type === 'integer')
      this.#exports.compareIntegers(ptr, count, code, BigInt(bound), mask.ptr);
    else this.#exports.compareUnsigned(ptr, count, code, BigInt(bound), mask.ptr);
  }

  /** Whose rows are anything. */
  newMask(count: number): Mask {
    return { ptr: this.arena.allocate(count), count };
  }

  /** All rows alike. */
  fill({ ptr, count }: Mask, passes: boolean): void {
    new Uint8Array(this.arena.memory.buffer, ptr, count).fill(passes ? 1 : 0);
  }

  bytesMask(bytes: Uint8Array): Mask {
    return { ptr: this.#place(bytes), count: bytes.length };
  }

  /** Changes `mask`. */
  and(mask: Mask, other: Mask): Mask {
    this.#exports.andMask(mask.ptr, other.ptr, mask.count);
    return mask;
  }

  /** Changes `mask`. */
  or(mask: Mask, other: Mask): Mask {
    this.#exports.orMask(mask.ptr, other.ptr, mask.count);
    return mask;
  }

  /** The rows that pass. */
  rows({ ptr, count }: Mask): Uint32Array {
    const rowsPtr = this.arena.allocate(count * 4 + 4);
    const found = this.#exports.rowsOfMask(ptr, count, rowsPtr);
    return new Uint32Array(this.arena.memory.buffer, rowsPtr, found).slice();
  }

  #place(bytes: Uint8Array): number {
    const ptr = this.arena.allocate(bytes.length);
    new Uint8Array(this.arena.memory.buffer, ptr, bytes.length).set(bytes);
    return ptr;
  }
}
