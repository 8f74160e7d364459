/**
 * Blocks of many series and rows of memtables on their way to tables of windows, in one call of the kernel: a list of numbers says
 * what is added where. For series of few points each, of which one alone is over before its objects are made. Twin:
 * PlacedBlocks, series by series.
 */
import type { Arena } from './arena.ts';
import { paddingBytes, type FoundBytes } from './placed-blocks.ts';
import { PlacedRecords, type BlockFoldExports, type PlacedBounds, type PlacedWindows } from './placed-records.ts'; // prettier-ignore

/** Of bytes of blocks: they stay in a processor's second cache until they are decoded. */
const roomBytes = 262_144;
/** Bytes that nobody wants between two blocks that are copied together. */
const gapBytesMax = 128;

export class PlacedRuns {
  /** Blocks and runs of rows in a call. */
  static readonly recordsMax = 4_096;
  readonly #arena: Arena;
  readonly #records: PlacedRecords;
  readonly #roomPtr: number;
  #usedBytes = 0;
  #limitBytes = roomBytes;
  /** Bytes that lie side by side and are still to be copied, to where the room is used up. */
  #bytes: Uint8Array = new Uint8Array();
  #start = 0;
  #end = 0;

  /** Lives in the arena until a mark from before is released. */
  constructor(exports: BlockFoldExports, arena: Arena, windows: PlacedWindows) {
    const { recordsMax } = PlacedRuns;
    this.#arena = arena;
    this.#records = new PlacedRecords(exports, arena, { ...windows, recordsMax });
    this.#roomPtr = arena.allocate(roomBytes + paddingBytes);
  }

  /** Forgets what was placed and added. */
  clear(): void {
    this.#records.clear();
    this.#usedBytes = 0;
    this.#limitBytes = roomBytes;
    this.#start = this.#end = 0;
    this.#bytes = new Uint8Array();
  }

  /** What is placed from now on has one of `parts` equal shares of the room. */
  share(parts: number): void {
    this.#copy();
    this.#limitBytes = Math.min(roomBytes, this.#usedBytes + Math.floor(roomBytes / parts));
  }

  /** Where the bytes of a block will be for add(); 0 when there is no room for them. */
  place({ bytes, start, end }: FoundBytes): number {
    const isNear = bytes === this.#bytes && start >= this.#start && start <= this.#end + gapBytesMax; // prettier-ignore
    if (!isNear) this.#copy();
    const from = isNear ? this.#start : start;
    const reach = isNear && this.#end > end ? this.#end : end;
    if (this.#usedBytes + reach - from > this.#limitBytes) return 0;
    this.#bytes = bytes;
    this.#start = from;
    this.#end = reach;
    return this.#roomPtr + this.#usedBytes + start - from;
  }

  #copy(): void {
    const lengthBytes = this.#end - this.#start;
    if (lengthBytes === 0) return;
    new Uint8Array(this.#arena.memory.buffer, this.#roomPtr + this.#usedBytes, lengthBytes).set(this.#bytes.subarray(this.#start, this.#end)); // prettier-ignore
    this.#usedBytes += lengthBytes;
    this.#start = this.#end = 0;
  }

  /** A block that was placed, or rows, as PlacedRecords.add() takes them. */
  add(ptr: number, length: number, column: number, valuesPtr: number): void {
    this.#records.add(ptr, length, column, valuesPtr);
  }

  /** Adds what lies within the bounds to the tables; answers how many rows. Throws `corrupt`. */
  fold(bounds: PlacedBounds): number {
    this.#copy();
    const folded = this.#records.fold(bounds);
    this.clear();
    return folded;
  }
}
