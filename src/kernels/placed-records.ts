/** The list of what the kernel adds to tables of windows in one call, and the tables it adds to (assembly/block-folds.ts). */
import { assert } from '../base/assert.ts';
import { DbError } from '../base/errors.ts';
import type { Arena } from './arena.ts';

/** Blocks of files have a thousand rows at the most. Where one has more, the room for work grows. */
const rowsUsual = 1_024;
const recordWords = 4;
const columnWords = 4;

export interface BlockFoldExports {
  blockRows(block: number, length: number): number;

  foldBlocks(blocks: number, count: number, columns: number, windows: number, start: bigint, interval: bigint, least: bigint, greatest: bigint, work: number, rowsMax: number, out: number): number; // prettier-ignore
  foldWorkBytes(rows: number, windows: number): number;
}

export interface PlacedBounds {
  readonly minTimeNs: bigint;
  readonly maxTimeNs: bigint;
}

export interface PlacedWindows {
  /** As WindowGrid of window-table.ts. */
  readonly grid: { readonly startNs: bigint; readonly intervalNs: bigint; readonly count: number };
  /** As the kernel's foldColumns() has them. */
  readonly columns: readonly (readonly number[])[];
}

export class PlacedRecords {
  readonly #exports: BlockFoldExports;
  readonly #arena: Arena;
  readonly #grid: PlacedWindows['grid'];
  readonly #recordsMax: number;
  readonly #columnsPtr: number;
  readonly #outPtr: number;
  readonly #recordsPtr: number;
  #count = 0;
  #rowsMax = rowsUsual;
  #words = new Uint32Array();

  /** Lives in the arena until a mark from before is released. */
  constructor(
    exports: BlockFoldExports,
    arena: Arena,
    { grid, columns, recordsMax }: PlacedWindows & { readonly recordsMax: number },
  ) {
    this.#exports = exports;
    this.#arena = arena;
    this.#grid = grid;
    this.#recordsMax = recordsMax;
    this.#columnsPtr = arena.allocate(columns.length * columnWords * 4);
    this.#outPtr = arena.allocate(4);
    this.#recordsPtr = arena.allocate(recordsMax * recordWords * 4);
    this.#see();
    this.#words.set(columns.flat(), this.#columnsPtr / 4);
  }

  get isFull(): boolean {
    return this.#count === this.#recordsMax;
  }

  /**
   * Adds a block of `length` bytes at `ptr`, or with `valuesPtr` rows: `ptr` is where their times are, `length` how many they are, at
   * most `rowsUsual`. What is of one series and column is added in ascending time.
   */
  add(ptr: number, length: number, column: number, valuesPtr: number): void {
    assert(!this.isFull, 'there is room for a record');
    this.#see();
    const words = this.#words;
    const at = this.#recordsPtr / 4 + this.#count++ * recordWords;
    words[at] = ptr;
    words[at + 1] = length;
    words[at + 2] = column;
    words[at + 3] = valuesPtr;
  }

  clear(): void {
    this.#count = 0;
  }

  /** Adds all rows that lie within the bounds to the tables; answers how many. Throws `corrupt`. */
  fold({ minTimeNs, maxTimeNs }: PlacedBounds): number {
    const { startNs, intervalNs, count: windows } = this.#grid;
    let folded = 0;
    for (let done = 0; done < this.#count;) {
      const mark = this.#arena.mark();
      const workPtr = this.#arena.allocate(this.#exports.foldWorkBytes(this.#rowsMax, windows));
      const recordPtr = this.#recordsPtr + done * recordWords * 4;
      const added = this.#exports.foldBlocks(recordPtr, this.#count - done, this.#columnsPtr, windows, startNs, intervalNs, minTimeNs, maxTimeNs, workPtr, this.#rowsMax, this.#outPtr); // prettier-ignore
      this.#arena.release(mark);
      if (added < 0) throw refusal(added);
      done += added;
      this.#see();
      folded += this.#words[this.#outPtr / 4] ?? 0;
      if (done < this.#count) this.#growFor(done);
    }
    this.#count = 0;
    return folded;
  }

  #growFor(number: number): void {
    const at = this.#recordsPtr / 4 + number * recordWords;
    const [blockPtr = 0, length = 0] = this.#words.subarray(at, at + 2);
    this.#rowsMax = this.#exports.blockRows(blockPtr, length);
  }

  /** A view of the memory as it is now: it may have grown. */
  #see(): void {
    const { buffer } = this.#arena.memory;
    if (this.#words.buffer !== buffer) this.#words = new Uint32Array(buffer);
  }
}

const corrupt = -1;

function refusal(code: number): DbError {
  if (code === corrupt) return new DbError('corrupt', 'a block does not add up');
  return new DbError('corrupt', 'a block holds times that its file does not name');
}
