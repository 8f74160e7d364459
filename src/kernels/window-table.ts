/**
 * Summaries of the windows of one column of numbers, made in the memory of a kernel's arena. Twin: WindowAccumulator of
 * query/exec/window-accumulator.ts, which also takes other types and windows without number.
 */
import { assert } from '../base/assert.ts';
import { DbError } from '../base/errors.ts';
import type { Arena } from './arena.ts';

export type NumberType = 'float' | 'integer' | 'unsigned';

export interface WindowExports {
  foldFloats(times: number, values: number, count: number, table: number, windows: number, start: bigint, interval: bigint, wants: number): number; // prettier-ignore

  foldIntegers(times: number, values: number, count: number, table: number, windows: number, start: bigint, interval: bigint, wants: number): number; // prettier-ignore

  foldUnsigned(times: number, values: number, count: number, table: number, windows: number, start: bigint, interval: bigint, wants: number): number; // prettier-ignore

  packWindows(table: number, windows: number, start: bigint, interval: bigint, wants: number, out: number): number; // prettier-ignore
}

/** Where rows lie in the arena. */
export interface FoldedRows {
  readonly count: number;
  readonly timesPtr: number;
  readonly valuesPtr: number;
}

/** Windows [startNs + i * intervalNs, startNs + (i + 1) * intervalNs) for i < count. */
export interface WindowGrid {
  readonly startNs: bigint;
  readonly intervalNs: bigint;
  readonly count: number;
}

/** What a summary may hold besides the count, as the kernel numbers it. */
export const summaryParts = ['sum', 'min', 'max', 'first', 'last'] as const;
export type SummaryPart = (typeof summaryParts)[number];

/** Windows that have points, ascending. Columns of 8 bytes a window: of the part's values, and but for sums their times. */
export interface PackedWindows {
  readonly startsNs: BigInt64Array;
  readonly counts: BigInt64Array;
  readonly parts: ReadonlyMap<SummaryPart, PackedPart>;
}

/** Offsets in bytes into `buffer`. */
export interface PackedPart {
  readonly buffer: ArrayBuffer;
  readonly valuesOffset: number;
  readonly timesOffset: number;
}

const foldNames = {
  float: 'foldFloats',
  integer: 'foldIntegers',
  unsigned: 'foldUnsigned',
} as const;
const recordBytes = 80;
const columnsMax = 11;

export class WindowTable {
  readonly #exports: WindowExports;
  readonly #arena: Arena;
  readonly #type: NumberType;
  readonly #grid: WindowGrid;
  readonly #parts: readonly SummaryPart[];
  readonly #wants: number;
  readonly #table: number;

  /** Lives in the arena until a mark from before is released. */
  constructor(
    exports: WindowExports,
    arena: Arena,
    column: { readonly type: NumberType; readonly grid: WindowGrid; readonly parts: readonly SummaryPart[] }, // prettier-ignore
  ) {
    this.#exports = exports;
    this.#arena = arena;
    this.#type = column.type;
    this.#grid = column.grid;
    this.#parts = summaryParts.filter((part) => column.parts.includes(part));
    this.#wants = this.#parts.reduce((bits, part) => bits | (1 << summaryParts.indexOf(part)), 0);
    const tableBytes = column.grid.count * recordBytes;
    this.#table = arena.allocate(tableBytes);
    new Uint8Array(arena.memory.buffer, this.#table, tableBytes).fill(0);
  }

  /** Adds rows in ascending time. Throws `corrupt` when one is not within the grid. */
  fold({ count, timesPtr, valuesPtr }: FoldedRows): void {
    const { startNs, intervalNs, count: windows } = this.#grid;
    assert(count > 0, 'there are rows to add');
    // prettier-ignore
    const isWithin = this.#exports[foldNames[this.#type]](timesPtr, valuesPtr, count, this.#table, windows, startNs, intervalNs, this.#wants);
    if (isWithin === 0)
      throw new DbError('corrupt', 'a block holds times that its file does not name');
  }

  /** A copy: the table may be given back. */
  finish(): PackedWindows {
    const { startNs, intervalNs, count } = this.#grid;
    const mark = this.#arena.mark();
    const out = this.#arena.allocate(count * 8 * columnsMax);
    const found = this.#exports.packWindows(this.#table, count, startNs, intervalNs, this.#wants, out); // prettier-ignore
    const columnBytes = found * 8;
    const columns = 2 + this.#parts.reduce((sum, part) => sum + (part === 'sum' ? 1 : 2), 0);
    const buffer = this.#arena.memory.buffer.slice(out, out + columns * columnBytes);
    this.#arena.release(mark);
    const parts = new Map<SummaryPart, PackedPart>();
    let at = columnBytes * 2;
    for (const part of this.#parts) {
      parts.set(part, { buffer, valuesOffset: at, timesOffset: at + columnBytes });
      at += part === 'sum' ? columnBytes : columnBytes * 2;
    }
    return {
      startsNs: new BigInt64Array(buffer, 0, found),
      counts: new BigInt64Array(buffer, columnBytes, found),
      parts,
    };
  }
}
