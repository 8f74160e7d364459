/**
 * The rows of one series of a table in order of time, its columns one behind the other: made when the series is first read,
 * and kept for its next readers, since those who watch a dashboard ask for the same again. Rows that came since are put
 * behind the others, as most of them are newer; where they are not, it is made anew.
 *
 * Invariants:
 * - Of rows of one time only the last to arrive is there.
 * - It takes `sizeBytes` of the heap, and may be given back at any allocation: no pointer into it is held over one.
 */
import { trimmedBytes } from '../../../kernels/kernel-heap.ts';
import type { KeptEntry } from '../../../kernels/kept-memory.ts';
import type { StoreKernel } from '../../../kernels/store-kernel.ts';

/** Series with fewer rows are listed each time: that costs less than to keep them. */
export const keptRowsLeast = 64;

/** Rows in the store's memory: their numbers, u32 each, and their times. */
export interface ListedRows {
  readonly count: number;
  readonly rows: number;
  readonly times: number;
}

export interface SeenRows {
  /** All rows below it are in the list. */
  readonly rowsSeen: number;
  /** Of the list before rows of one time were left out. */
  readonly arrivedCount: number;
  /** Whether they arrived in order of time, each time once. */
  readonly isPlain: boolean;
  readonly onRelease: () => void;
}

export class OrderedRows implements KeptEntry {
  readonly #kernel: StoreKernel;
  readonly #onRelease: () => void;
  /** Rows below it have been looked at. */
  #rowsSeen: number;
  /** How many those were, also of times that came again. */
  #arrivedCount: number;
  /** Rows that an earlier view sees are the first of them. */
  readonly #isPlain: boolean;
  #count: number;
  /** Some more than there are: most that come are newer. */
  #capacity: number;
  #times: number;
  #rows: number;
  /** By number of the column: where its values are, and how many of them. */
  readonly #columns = new Map<number, KeptColumn>();
  #sizeBytes: number;
  #isReleased = false;

  /** Copies what is listed. */
  constructor(kernel: StoreKernel, listed: ListedRows, seen: SeenRows) {
    this.#kernel = kernel;
    this.#onRelease = seen.onRelease;
    this.#rowsSeen = seen.rowsSeen;
    this.#arrivedCount = seen.arrivedCount;
    this.#isPlain = seen.isPlain;
    this.#count = listed.count;
    this.#capacity = roomFor(listed.count);
    this.#times = kernel.heap.allocateTrimmed(this.#capacity * 8);
    try {
      this.#rows = kernel.heap.allocateTrimmed(this.#capacity * 4);
    } catch (error) {
      kernel.heap.freeTrimmed(this.#times, this.#capacity * 8);
      throw error;
    }
    this.#sizeBytes = trimmedBytes(this.#capacity * 8) + trimmedBytes(this.#capacity * 4);
    this.#put(listed, 0);
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Its memory was given back. */
  get isReleased(): boolean {
    return this.#isReleased;
  }

  get rowsSeen(): number {
    return this.#rowsSeen;
  }

  get arrivedCount(): number {
    return this.#arrivedCount;
  }

  /** The rows below `rowsMax`, which is at most `rowsSeen`; undefined when they are not the first ones of this list. */
  below(rowsMax: number): ListedRows | undefined {
    const [rows, times] = [this.#rows, this.#times];
    if (rowsMax >= this.#rowsSeen) return { count: this.#count, rows, times };
    if (!this.#isPlain) return undefined;
    const all = this.#kernel.words(rows, this.#count);
    let [low, high] = [0, all.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((all[middle] ?? 0) < rowsMax) low = middle + 1;
      else high = middle;
    }
    return { count: low, rows, times };
  }

  /** Puts rows behind the others that arrived since, in ascending time; false when the first is not newer than the last here. */
  append(listed: ListedRows, rowsSeen: number): boolean {
    const { count } = listed;
    if (count > 0) {
      const last = new BigInt64Array(this.#kernel.buffer, this.#times, this.#count)[
        this.#count - 1
      ];
      const next = new BigInt64Array(this.#kernel.buffer, listed.times, count)[0];
      if (last === undefined || next === undefined || next <= last) return false;
      if (this.#count + count > this.#capacity) return false;
      this.#put(listed, this.#count);
      this.#count += count;
      this.#arrivedCount += count;
    }
    this.#rowsSeen = rowsSeen;
    return true;
  }

  /** Where the first `count` values of a column lie, `widthBytes` each; undefined when all of this had to make room. */
  column(number: number, count: number, { widthBytes, gather }: ColumnOptions): number | undefined {
    const known = this.#columns.get(number) ?? this.#newColumn(number, widthBytes);
    if (known === undefined) return undefined;
    if (known.count < count) {
      const missing = { rows: this.#rows + known.count * 4, count: count - known.count };
      gather(missing, known.at + known.count * widthBytes);
      known.count = count;
    }
    return known.at;
  }

  #newColumn(number: number, widthBytes: number): KeptColumn | undefined {
    const lengthBytes = this.#capacity * widthBytes;
    const at = this.#kernel.heap.allocateTrimmed(lengthBytes);
    if (this.#isReleased) {
      this.#kernel.heap.freeTrimmed(at, lengthBytes);
      return undefined;
    }
    const column = { at, lengthBytes, count: 0 };
    this.#columns.set(number, column);
    const sizeBytes = trimmedBytes(lengthBytes);
    this.#sizeBytes += sizeBytes;
    this.#kernel.kept.resized(this, this.#sizeBytes - sizeBytes);
    return column;
  }

  release(): void {
    const { heap } = this.#kernel;
    this.#isReleased = true;
    heap.freeTrimmed(this.#times, this.#capacity * 8);
    heap.freeTrimmed(this.#rows, this.#capacity * 4);
    for (const { at, lengthBytes } of this.#columns.values()) heap.freeTrimmed(at, lengthBytes);
    this.#onRelease();
  }

  #put({ count, rows, times }: ListedRows, from: number): void {
    const kernel = this.#kernel;
    kernel.bytes(this.#times + from * 8, count * 8).set(kernel.bytes(times, count * 8));
    kernel.bytes(this.#rows + from * 4, count * 4).set(kernel.bytes(rows, count * 4));
  }
}

interface KeptColumn {
  readonly at: number;
  readonly lengthBytes: number;
  count: number;
}

export interface ColumnOptions {
  readonly widthBytes: number;
  /** Writes the values of rows to `out`, without an allocation. */
  readonly gather: (listed: Pick<ListedRows, 'rows' | 'count'>, out: number) => void;
}

/** An eighth more, for what may come behind: with each eighth it is made anew. */
function roomFor(count: number): number {
  return count + Math.max(keptRowsLeast, Math.ceil(count / 8));
}
