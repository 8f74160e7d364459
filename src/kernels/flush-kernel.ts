/**
 * Encodes the rows of a memtable's table to TSM blocks in WebAssembly: the table's columns are copied in whole, and what
 * comes out are the blocks' bytes. Twin: encodeBlock of codec/block.ts over what memtable-read.ts of storage/engine reads.
 */
import { must } from '../base/assert.ts';
import { Arena } from './arena.ts';

interface FlushExports {
  heapBase(): number;
  collectRows(previous: number, last: number, rows: number, rowsMax: number): number;
  gatherWords(values: number, rows: number, count: number, out: number): void;
  gatherBytes(values: number, rows: number, count: number, out: number): void;
  isAscending(times: number, count: number): number;

  orderRows(times: number, rows: number, count: number, spareTimes: number, spareRows: number, runs: number): number; // prettier-ignore
  encodeTimes(times: number, count: number, scratch: number, out: number): number;

  encodeBlock(type: number, times: number, timesLength: number, values: number, count: number, scratch: number, out: number): number; // prettier-ignore
}

/** A table as its chunks hold it: each column a list of parts, one behind the other. */
export interface FlushTable {
  readonly rowCount: number;
  readonly timesNs: readonly BigInt64Array[];
  /** Row of the same series that came before, + 1; 0 when there is none. */
  readonly previous: readonly Uint32Array[];
  /** Undefined for a column that is encoded elsewhere. */
  readonly columns: readonly (readonly WordsOrBytes[] | undefined)[];
}

export type WordsOrBytes = Float64Array | BigInt64Array | BigUint64Array | Uint8Array;

/** Rows of one series in time order; their times are encoded. */
export interface FlushSeries {
  readonly count: number;
  readonly blocks: readonly FlushBlock[];
}

export interface FlushBlock {
  readonly minTimeNs: bigint;
  readonly maxTimeNs: bigint;
  readonly count: number;
  readonly timesPtr: number;
  readonly timesLength: number;
}

const pagesFirst = 4;
const pagesMax = 65_536;
/** A value takes no more than 77 bits and a time no more than 64, and words are written whole. */
const bytesPerRowMax = 18;
const slackBytes = 64;

export class FlushKernel {
  readonly #exports: FlushExports;
  readonly #arena: Arena;
  readonly #rowsPerBlock: number;
  readonly #bytesMax: number;
  #work: Work | undefined;

  constructor(
    module: WebAssembly.Module,
    options: { readonly bytesMax: number; readonly rowsPerBlock: number },
  ) {
    const memory = new WebAssembly.Memory({ initial: pagesFirst, maximum: pagesMax });
    const unused = (): number => 0;
    const imports = { env: { memory, slowFloat: unused, abort: unused } };
    const instance = new WebAssembly.Instance(module, imports);
    this.#exports = instance.exports as unknown as FlushExports;
    const { bytesMax } = options;
    this.#bytesMax = bytesMax;
    this.#arena = new Arena(memory, { base: this.#exports.heapBase(), bytesMax });
    this.#rowsPerBlock = options.rowsPerBlock;
  }

  /** What the kernel's memory takes by now: it never gets less. */
  get memoryBytes(): number {
    return this.#arena.memory.buffer.byteLength;
  }

  /** Forgets all tables and makes room for work on tables of so many rows. */
  begin(rowsMax: number): void {
    const arena = this.#arena;
    arena.release(arena.base);
    const blocksMax = Math.ceil(rowsMax / this.#rowsPerBlock);
    this.#work = {
      rowsMax,
      rows: arena.allocate(rowsMax * 4),
      ordered: arena.allocate(rowsMax * 8),
      values: arena.allocate(rowsMax * 8),
      scratch: arena.allocate(this.#rowsPerBlock * 8),
      out: arena.allocate(this.#rowsPerBlock * bytesPerRowMax + slackBytes),
      encodedTimes: arena.allocate(rowsMax * 8 + blocksMax * slackBytes),
      runs: arena.allocate((rowsMax + 1) * 4),
      rowsPerBlock: this.#rowsPerBlock,
    };
  }

  /** Copies a table in, until the next begin(). Undefined when it would take more memory than there may be. */
  load({ rowCount, ...table }: FlushTable): LoadedTable | undefined {
    const arena = this.#arena;
    const work = must(this.#work, 'work was begun');
    const widths = table.columns.map((parts) => (parts?.[0] instanceof Uint8Array ? 1 : 8));
    const lengthBytes = rowCount * (12 + widths.reduce<number>((sum, width) => sum + width, 0));
    if (arena.mark() + lengthBytes + slackBytes * (widths.length + 2) > this.#bytesMax)
      return undefined;
    const place = (parts: readonly (WordsOrBytes | Uint32Array)[], width: number): number => {
      const ptr = arena.allocate(rowCount * width);
      const bytes = new Uint8Array(arena.memory.buffer);
      let at = ptr;
      for (const part of parts) {
        bytes.set(new Uint8Array(part.buffer, part.byteOffset, part.byteLength), at);
        at += part.byteLength;
      }
      return ptr;
    };
    return new LoadedTable(this.#exports, arena.memory, {
      columns: table.columns.map((parts, i) => {
        const width = widths[i] ?? 8;
        return parts && { ptr: place(parts, width), width };
      }),
      times: place(table.timesNs, 8),
      previous: place(table.previous, 4),
      work,
    });
  }
}

interface Places {
  readonly columns: readonly ({ readonly ptr: number; readonly width: number } | undefined)[];
  readonly times: number;
  readonly previous: number;
  readonly work: Work;
}

/** Room for one series at a time. */
interface Work {
  readonly rowsMax: number;
  readonly rows: number;
  readonly ordered: number;
  readonly values: number;
  readonly scratch: number;
  readonly out: number;
  readonly encodedTimes: number;
  readonly runs: number;
  readonly rowsPerBlock: number;
}

export class LoadedTable {
  readonly #exports: FlushExports;
  readonly #memory: WebAssembly.Memory;
  readonly #places: Places;
  #count = 0;

  constructor(exports: FlushExports, memory: WebAssembly.Memory, places: Places) {
    this.#exports = exports;
    this.#memory = memory;
    this.#places = places;
  }

  /** Turns to the series whose last row is `last` - 1. Of rows of one time only the last to arrive counts. */
  series(last: number): FlushSeries {
    const { previous, times, work } = this.#places;
    const { rows, ordered } = work;
    this.#count = this.#exports.collectRows(previous, last, rows, work.rowsMax);
    this.#exports.gatherWords(times, rows, this.#count, ordered);
    // Room for values and encoded times is not in use yet.
    if (this.#exports.isAscending(ordered, this.#count) === 0)
      this.#count = this.#exports.orderRows(ordered, rows, this.#count, work.values, work.encodedTimes, work.runs); // prettier-ignore
    return { count: this.#count, blocks: this.#encodeTimes() };
  }

  /** Puts the column's values of the series at hand where encode() finds them. */
  gather(column: number): void {
    const { columns, work } = this.#places;
    const { ptr = 0, width = 8 } = columns[column] ?? {};
    if (width === 8) this.#exports.gatherWords(ptr, work.rows, this.#count, work.values);
    else this.#exports.gatherBytes(ptr, work.rows, this.#count, work.values);
  }

  /** The bytes of block `number` of what was gathered. A view: it holds until the next one. */
  encode(type: number, column: number, number: number, block: FlushBlock): Uint8Array {
    const { columns, work } = this.#places;
    const values = work.values + number * work.rowsPerBlock * (columns[column]?.width ?? 8);
    const { timesPtr, timesLength, count } = block;
    const length = this.#exports.encodeBlock(type, timesPtr, timesLength, values, count, work.scratch, work.out); // prettier-ignore
    return new Uint8Array(this.#memory.buffer, work.out, length);
  }

  #encodeTimes(): readonly FlushBlock[] {
    const { work } = this.#places;
    const { rowsPerBlock } = work;
    const times = new BigInt64Array(this.#memory.buffer, work.ordered, this.#count);
    const blocks: FlushBlock[] = [];
    let timesPtr = work.encodedTimes;
    for (let start = 0; start < this.#count; start += rowsPerBlock) {
      const count = Math.min(rowsPerBlock, this.#count - start);
      const from = work.ordered + start * 8;
      const timesLength = this.#exports.encodeTimes(from, count, work.scratch, timesPtr);
      const minTimeNs = times[start] ?? 0n;
      const maxTimeNs = times[start + count - 1] ?? 0n;
      blocks.push({ minTimeNs, maxTimeNs, count, timesPtr, timesLength });
      timesPtr += timesLength;
    }
    return blocks;
  }
}
