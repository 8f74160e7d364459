/**
 * Blocks of TSM files on their way to a table of windows: copied to the kernel's memory as they are, and decoded and folded
 * there, many in one call. Twin: KernelArena.decodeBlock() and WindowTable.fold(), block by block.
 */
import { DbError } from '../base/errors.ts';
import type { Arena } from './arena.ts';

/** Some hundred blocks, and half of a processor's second cache. */
const roomBytes = 131_072;
/** Blocks of files have a thousand rows at the most. Where one has more, the room for work grows. */
const rowsUsual = 1_024;
const recordWords = 3;
/** A millisecond of the kernel's time, when each has all of its rows. */
const blocksMax = 256;
const columnWords = 4;
/** The kernel reads whole words, some of them past the end of a block. */
const paddingBytes = 16;

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

/** A block: the bytes [start, end). Those around it are mostly of the same series, and stay as they are too. */
export interface FoundBytes {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
}

interface Span extends FoundBytes {
  readonly ptr: number;
}

/** Blocks of fields of a series take turns, and lie in two pieces of a file at the most. */
const spansLookedAt = 4;

export class PlacedBlocks {
  /** Larger ones are not taken. */
  static readonly blockBytesMax = roomBytes;
  readonly #exports: BlockFoldExports;
  readonly #arena: Arena;
  readonly #grid: PlacedWindows['grid'];
  readonly #columnsPtr: number;
  readonly #outPtr: number;
  readonly #recordsPtr: number;
  readonly #roomPtr: number;
  /** What was copied since fold(). */
  readonly #spans: Span[] = [];
  #count = 0;
  #usedBytes = 0;
  #rowsMax = rowsUsual;
  #bytes = new Uint8Array();
  #words = new Uint32Array();

  /** Lives in the arena until a mark from before is released. */
  constructor(exports: BlockFoldExports, arena: Arena, { grid, columns }: PlacedWindows) {
    this.#exports = exports;
    this.#arena = arena;
    this.#grid = grid;
    this.#columnsPtr = arena.allocate(columns.length * columnWords * 4);
    this.#outPtr = arena.allocate(4);
    this.#recordsPtr = arena.allocate(blocksMax * recordWords * 4);
    this.#roomPtr = arena.allocate(roomBytes + paddingBytes);
    this.#see();
    this.#words.set(columns.flat(), this.#columnsPtr / 4);
  }

  /**
   * Takes a block for a column, whose earlier ones have earlier times; false when there is no room before fold(). Up to `reach`, in the
   * same bytes, are blocks that will be taken as well: they are copied at once. Throws `corrupt` when there never is.
   */
  add(column: number, { bytes, start, end }: FoundBytes, reach: number): boolean {
    if (this.#count === blocksMax) return false;
    const blockPtr = this.#placeOf(bytes, start, end) ?? this.#copy(bytes, start, { end, reach });
    if (blockPtr === undefined) return false;
    const words = this.#words;
    const at = this.#recordsPtr / 4 + this.#count++ * recordWords;
    words[at] = blockPtr;
    words[at + 1] = end - start;
    words[at + 2] = column;
    return true;
  }

  /** Where the bytes were copied to with others. */
  #placeOf(bytes: Uint8Array, start: number, end: number): number | undefined {
    const spans = this.#spans;
    for (let i = spans.length - 1; i >= 0 && i >= spans.length - spansLookedAt; i--) {
      const span = spans[i];
      if (span?.bytes === bytes && span.start <= start && end <= span.end)
        return span.ptr + start - span.start;
    }
    return undefined;
  }

  /** Copies as much up to `reach` as there is room for; undefined when there is none up to `end`. Throws `corrupt`. */
  #copy(
    bytes: Uint8Array,
    start: number,
    { end, reach }: { readonly end: number; readonly reach: number },
  ): number | undefined {
    // Who looks at the ends of a column alone misses one between them whose place is not in their order.
    if (end - start > roomBytes) throw new DbError('corrupt', 'a block is longer than those of its column'); // prettier-ignore
    const room = roomBytes - this.#usedBytes;
    const wanted = Math.min(reach, bytes.length) - start;
    const lengthBytes = wanted > room ? end - start : Math.max(wanted, end - start);
    if (lengthBytes > room) return undefined;
    const ptr = this.#roomPtr + this.#usedBytes;
    this.#see();
    this.#bytes.set(bytes.subarray(start, start + lengthBytes), ptr);
    this.#usedBytes += lengthBytes;
    this.#spans.push({ bytes, start, end: start + lengthBytes, ptr });
    return ptr;
  }

  /** Adds the rows of all taken blocks that lie within the bounds to the table; answers how many. Throws `corrupt`. */
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
    this.#usedBytes = 0;
    this.#spans.length = 0;
    return folded;
  }

  #growFor(number: number): void {
    const at = this.#recordsPtr / 4 + number * recordWords;
    const [blockPtr = 0, length = 0] = this.#words.subarray(at, at + 2);
    this.#rowsMax = this.#exports.blockRows(blockPtr, length);
  }

  /** Views of the memory as it is now: it may have grown. */
  #see(): void {
    const { buffer } = this.#arena.memory;
    if (this.#bytes.buffer === buffer) return;
    this.#bytes = new Uint8Array(buffer);
    this.#words = new Uint32Array(buffer);
  }
}

const corrupt = -1;

function refusal(code: number): DbError {
  if (code === corrupt) return new DbError('corrupt', 'a block does not add up');
  return new DbError('corrupt', 'a block holds times that its file does not name');
}
