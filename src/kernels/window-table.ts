/**
 * Summaries of the windows of columns of numbers, made in the memory of a kernel's arena: a table of windows for each column,
 * one behind the other. Twin: WindowAccumulator of query/exec/window-accumulator.ts, which also takes other types and windows
 * without number.
 *
 * Rows that lie in another kernel's memory are folded there: the tables are what is copied, there and back, not the rows.
 */
import { assert, must } from '../base/assert.ts';
import { DbError } from '../base/errors.ts';
import { notesOn } from '../base/notes.ts';
import type { Arena } from './arena.ts';
import { PlacedBlocks } from './placed-blocks.ts';
import type { BlockFoldExports, PlacedWindows } from './placed-records.ts';
import { PlacedRuns } from './placed-runs.ts';

const numberTypes = ['float', 'integer', 'unsigned'] as const;
export type NumberType = (typeof numberTypes)[number];

export interface WindowExports extends BlockFoldExports {
  windowRows(times: number, from: number, end: number, windows: number, start: bigint, interval: bigint, out: number): number; // prettier-ignore

  foldColumns(ranges: number, count: number, times: number, columns: number, columnCount: number): void; // prettier-ignore

  packWindows(table: number, windows: number, start: bigint, interval: bigint, wants: number, out: number): number; // prettier-ignore
}

/** Where rows of a column lie in the arena. */
export interface FoldedRows {
  readonly count: number;
  readonly timesPtr: number;
  readonly valuesPtr: number;
}

/** Rows [from, end) of some columns in the memory of other kernels. */
export interface FoldedColumns {
  readonly timesPtr: number;
  readonly from: number;
  readonly end: number;
  /** By column of the table: where its values lie, from row 0 on; 0 for one that has none here. */
  readonly valuesPtrs: readonly number[];
}

/** Of one column in the arena. */
interface FoldedColumn extends Omit<FoldedColumns, 'valuesPtrs'> {
  readonly column: number;
  readonly valuesPtr: number;
}

/** Other kernels, and room of workBytes() in their memory. */
export interface FoldPlace {
  readonly exports: WindowExports;
  readonly buffer: ArrayBuffer;
  readonly workPtr: number;
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

export interface WindowColumn {
  readonly type: NumberType;
  readonly parts: readonly SummaryPart[];
}

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

interface OwnColumn {
  readonly typeNumber: number;
  /** In the order of the kernel. */
  readonly parts: readonly SummaryPart[];
  readonly wants: number;
}

const knownColumns = notesOn<readonly WindowColumn[], readonly OwnColumn[]>();

/** Lists of columns are kept beside plans. */
function ownColumns(columns: readonly WindowColumn[]): readonly OwnColumn[] {
  const known = knownColumns.of(columns);
  if (known !== undefined) return known;
  const made = columns.map(({ type, parts }) => ({
    typeNumber: numberTypes.indexOf(type),
    parts: summaryParts.filter((part) => parts.includes(part)),
    wants: summaryParts.reduce((bits, part, i) => (parts.includes(part) ? bits | (1 << i) : bits), 0), // prettier-ignore
  }));
  knownColumns.keep(columns, made);
  return made;
}

/** Of a window and column in a table. */
export const windowBytes = 80;
const rangeBytes = 12;
const recordBytes = 16;

export class WindowTable {
  readonly #exports: WindowExports;
  /** Where rows have to be that are added by fold(). */
  readonly arena: Arena;
  readonly #grid: WindowGrid;
  readonly #columns: readonly OwnColumn[];
  readonly #tables: number;
  #blocks: PlacedBlocks | undefined;
  #runs: PlacedRuns | undefined;

  /** Lives in the arena until a mark from before is released. */
  constructor(
    exports: WindowExports,
    arena: Arena,
    { columns, grid }: { readonly columns: readonly WindowColumn[]; readonly grid: WindowGrid },
  ) {
    this.#exports = exports;
    this.arena = arena;
    this.#grid = grid;
    this.#columns = ownColumns(columns);
    this.#tables = arena.allocate(this.#tablesBytes);
    this.clear();
  }

  /** As if nothing had been added. */
  clear(): void {
    new Uint8Array(this.arena.memory.buffer, this.#tables, this.#tablesBytes).fill(0);
  }

  get #tablesBytes(): number {
    return this.#grid.count * windowBytes * this.#columns.length;
  }

  /** Adds rows of a column in ascending time. Throws `corrupt` when one is not within the grid. */
  fold(column: number, { count, timesPtr, valuesPtr }: FoldedRows): void {
    assert(count > 0, 'there are rows to add');
    const arena = this.arena;
    const mark = arena.mark();
    const workPtr = arena.allocate(this.#rangesBytes(count) + recordBytes);
    const { buffer } = arena.memory;
    const rows = { timesPtr, from: 0, end: count, valuesPtr, column };
    this.#foldAt({ exports: this.#exports, buffer, workPtr }, rows, this.#tables);
    arena.release(mark);
  }

  /** Takes blocks of files for its columns. Room for them is kept as long as the table is: to be asked for under no younger mark. */
  get blocks(): PlacedBlocks {
    this.#blocks ??= new PlacedBlocks(this.#exports, this.arena, this.#placedWindows());
    return this.#blocks;
  }

  /** Takes the room that `runs` needs, before others allocate and give back. */
  takeRuns(): void {
    this.#runs ??= new PlacedRuns(this.#exports, this.arena, this.#placedWindows());
  }

  /** The same for many series at once. */
  get runs(): PlacedRuns {
    this.#runs ??= new PlacedRuns(this.#exports, this.arena, this.#placedWindows());
    return this.#runs;
  }

  #placedWindows(): PlacedWindows {
    const { count } = this.#grid;
    return {
      grid: this.#grid,
      columns: this.#columns.map(({ typeNumber, wants }, i) => [typeNumber, wants, 0, this.#tables + i * count * windowBytes]), // prettier-ignore
    };
  }

  /** Room that foldAt() needs for so many rows. */
  workBytes(rowCount: number): number {
    return this.#tablesBytes + this.#rangesBytes(rowCount) + recordBytes * this.#columns.length;
  }

  /** Adds rows of several columns, in ascending time, where they lie. Throws as fold(). */
  foldAt(place: FoldPlace, rows: FoldedColumns): void {
    const tables = place.workPtr;
    const [lengthBytes, { buffer }] = [this.#tablesBytes, this.arena.memory];
    const here = new Uint8Array(buffer, this.#tables, lengthBytes);
    const there = new Uint8Array(place.buffer, tables, lengthBytes);
    there.set(here);
    const { exports, buffer: placeBuffer } = place;
    this.#foldAt({ exports, buffer: placeBuffer, workPtr: tables + lengthBytes }, rows, tables);
    here.set(there);
  }

  #foldAt(
    { exports, buffer, workPtr }: FoldPlace,
    rows: FoldedColumns | FoldedColumn,
    tables: number,
  ): void {
    const { startNs, intervalNs, count: windows } = this.#grid;
    const { timesPtr, from, end } = rows;
    const columnsMax = 'column' in rows ? 1 : rows.valuesPtrs.length;
    const records = new Uint32Array(buffer, workPtr, (columnsMax * recordBytes) / 4);
    let count = 0;
    const add = (number: number, valuesPtr: number): void => {
      const { typeNumber, wants } = must(this.#columns[number], 'the table has the column');
      const at = (count++ * recordBytes) / 4;
      records[at] = typeNumber;
      records[at + 1] = wants;
      records[at + 2] = valuesPtr;
      records[at + 3] = tables + number * windows * windowBytes;
    };
    if ('column' in rows) add(rows.column, rows.valuesPtr);
    else for (let i = 0; i < rows.valuesPtrs.length; i++) if (rows.valuesPtrs[i] !== 0) add(i, rows.valuesPtrs[i] ?? 0);
    const ranges = workPtr + count * recordBytes;
    const found = exports.windowRows(timesPtr, from, end, windows, startNs, intervalNs, ranges);
    if (found < 0) throw new DbError('corrupt', 'a block holds times that its file does not name');
    exports.foldColumns(ranges, found, timesPtr, workPtr, count);
  } // prettier-ignore

  /** A row has one window, and a window one range. */
  #rangesBytes(rowCount: number): number {
    return Math.min(rowCount, this.#grid.count) * rangeBytes;
  }

  /** Of each column, or those in [from, end), a copy: the table may be given back. */
  finish(from = 0, end = this.#columns.length): readonly PackedWindows[] {
    const { startNs, intervalNs, count } = this.#grid;
    const arena = this.arena;
    const mark = arena.mark();
    let columnsMax = 0;
    for (let i = from; i < end; i++) columnsMax += packedColumns(this.#columns[i]?.parts ?? []);
    const out = arena.allocate(count * 8 * columnsMax);
    const found: number[] = [];
    let outEnd = out;
    for (let i = from; i < end; i++) {
      const { parts, wants } = must(this.#columns[i], 'the table has the column');
      const table = this.#tables + i * count * windowBytes;
      const windows = this.#exports.packWindows(table, count, startNs, intervalNs, wants, outEnd);
      outEnd += packedColumns(parts) * windows * 8;
      found.push(windows);
    }
    const buffer = arena.memory.buffer.slice(out, outEnd);
    arena.release(mark);
    const packed: PackedWindows[] = [];
    for (let i = from, offset = 0; i < end; i++) {
      const { parts } = must(this.#columns[i], 'the table has the column');
      const windows = found[i - from] ?? 0;
      packed.push(unpacked(parts, buffer, { found: windows, offset }));
      offset += packedColumns(parts) * windows * 8;
    }
    return packed;
  }
}

function unpacked(
  parts: readonly SummaryPart[],
  buffer: ArrayBuffer,
  { found, offset }: { readonly found: number; readonly offset: number },
): PackedWindows {
  const columnBytes = found * 8;
  const places = new Map<SummaryPart, PackedPart>();
  let at = offset + columnBytes * 2;
  for (const part of parts) {
    places.set(part, { buffer, valuesOffset: at, timesOffset: at + columnBytes });
    at += part === 'sum' ? columnBytes : columnBytes * 2;
  }
  return {
    startsNs: new BigInt64Array(buffer, offset, found),
    counts: new BigInt64Array(buffer, offset + columnBytes, found),
    parts: places,
  };
}

/** Starts and counts, then of sums the values, of other parts times as well. */
function packedColumns(parts: readonly SummaryPart[]): number {
  return 2 + parts.length * 2 - (parts.includes('sum') ? 1 : 0);
}
