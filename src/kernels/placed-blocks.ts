/**
 * Blocks of TSM files on their way to a table of windows: copied to the kernel's memory as they are, and decoded and folded
 * there, many in one call. Twin: KernelArena.decodeBlock() and WindowTable.fold(), block by block.
 */
import { DbError } from '../base/errors.ts';
import type { Arena } from './arena.ts';
import { PlacedRecords, type BlockFoldExports, type PlacedBounds, type PlacedWindows } from './placed-records.ts'; // prettier-ignore

/** Some hundred blocks, and half of a processor's second cache. */
const roomBytes = 131_072;
/** A millisecond of the kernel's time, when each has all of its rows. */
const blocksMax = 256;
/** The kernel reads whole words, some of them past the end of a block. */
export const paddingBytes = 16;

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
  readonly #arena: Arena;
  readonly #records: PlacedRecords;
  readonly #roomPtr: number;
  /** What was copied since fold(). */
  readonly #spans: Span[] = [];
  #usedBytes = 0;
  #bytes = new Uint8Array();

  /** Lives in the arena until a mark from before is released. */
  constructor(exports: BlockFoldExports, arena: Arena, windows: PlacedWindows) {
    this.#arena = arena;
    this.#records = new PlacedRecords(exports, arena, { ...windows, recordsMax: blocksMax });
    this.#roomPtr = arena.allocate(roomBytes + paddingBytes);
  }

  /**
   * Takes a block for a column, whose earlier ones have earlier times; false when there is no room before fold(). Up to `reach`, in the
   * same bytes, are blocks that will be taken as well: they are copied at once. Throws `corrupt` when there never is.
   */
  add(column: number, { bytes, start, end }: FoundBytes, reach: number): boolean {
    if (this.#records.isFull) return false;
    const blockPtr = this.#placeOf(bytes, start, end) ?? this.#copy(bytes, start, { end, reach });
    if (blockPtr === undefined) return false;
    this.#records.add(blockPtr, end - start, column, 0);
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
  fold(bounds: PlacedBounds): number {
    const folded = this.#records.fold(bounds);
    this.#usedBytes = 0;
    this.#spans.length = 0;
    return folded;
  }

  /** A view of the memory as it is now: it may have grown. */
  #see(): void {
    const { buffer } = this.#arena.memory;
    if (this.#bytes.buffer !== buffer) this.#bytes = new Uint8Array(buffer);
  }
}
