/** A key of a TSM file as the index has it: bytes of which an entry is decoded when it is asked for, and no other. */
import type { FieldType } from '../../models/field-value.ts';
import type { EndValue, KnownEnds } from './known-ends.ts';
import { indexEntryBytes, keyTailBytes } from './tsm-format.ts';

export interface BlockPlace {
  readonly offset: number;
  readonly lengthBytes: number;
}

/** A block of a file: where it is and what times it holds. */
export interface TsmEntry extends BlockPlace {
  readonly minTimeNs: bigint;
  readonly maxTimeNs: bigint;
}

export interface TsmTimeBounds {
  readonly minTimeNs: bigint;
  readonly maxTimeNs: bigint;
}

export class TsmColumn {
  readonly type: FieldType;
  /** Blocks. */
  readonly count: number;
  readonly #view: DataView;
  readonly #first: number;
  readonly #ends: KnownEnds | undefined;
  readonly #number: number;

  /** `at` is where the key begins in the index that `view` has whole or in part; it is number `number` of those that `ends` are of. */
  constructor(view: DataView, at: number, ends?: KnownEnds, number = 0) {
    const tail = at + 2 + view.getUint16(at);
    this.type = view.getUint8(tail) as FieldType;
    this.count = view.getUint16(tail + 1);
    this.#view = view;
    this.#first = tail + keyTailBytes;
    this.#ends = ends;
    this.#number = number;
  }

  /** The first value of all or the last, which `read` answers as the blocks have it if it is not known. */
  endValue(isFirst: boolean, read: () => EndValue): EndValue {
    const known = this.#ends?.find(this.#number, isFirst, this.type);
    if (known !== undefined) return known;
    const value = read();
    this.#ends?.keep(this.#number, isFirst, value);
    return value;
  }

  entry(i: number): TsmEntry {
    const at = this.#first + i * indexEntryBytes;
    const view = this.#view;
    return {
      minTimeNs: view.getBigInt64(at),
      maxTimeNs: view.getBigInt64(at + 8),
      offset: view.getUint32(at + 16) * 2 ** 32 + view.getUint32(at + 20),
      lengthBytes: view.getUint32(at + 24),
    };
  }

  /** The times of block `i`, least and greatest, as halves of int64 with the upper one first, without a bigint for each. */
  timesInto(i: number, halves: Int32Array): void {
    const at = this.#first + i * indexEntryBytes;
    const view = this.#view;
    halves[0] = view.getInt32(at);
    halves[1] = view.getInt32(at + 4);
    halves[2] = view.getInt32(at + 8);
    halves[3] = view.getInt32(at + 12);
  }

  /** Those from `start` on, below `end`. */
  entries(start = 0, end = this.count): TsmEntry[] {
    const entries: TsmEntry[] = [];
    for (let i = start; i < end; i++) entries.push(this.entry(i));
    return entries;
  }

  /** Where block `i` is: its entry without times. */
  placeOf(i: number): BlockPlace {
    const at = this.#first + i * indexEntryBytes + 16;
    const view = this.#view;
    return {
      offset: view.getUint32(at) * 2 ** 32 + view.getUint32(at + 4),
      lengthBytes: view.getUint32(at + 8),
    };
  }

  /** Of the points of blocks from `start` on, below `end`, of which there is one. */
  boundsOf(start: number, end: number): TsmTimeBounds {
    return { minTimeNs: this.#minTimeNs(start), maxTimeNs: this.#maxTimeNs(end - 1) };
  }

  /** The first time of all its points or the last; it has a block. */
  endTimeNs(isFirst: boolean): bigint {
    return isFirst ? this.#minTimeNs(0) : this.#maxTimeNs(this.count - 1);
  }

  /** Of all its points. */
  get bounds(): TsmTimeBounds {
    return this.boundsOf(0, this.count);
  }

  /** Which blocks may hold points within the inclusive bounds. */
  within({ minTimeNs, maxTimeNs }: TsmTimeBounds): readonly [start: number, end: number] {
    // Both hold for most questions, and cost two looks.
    const last = this.count - 1;
    const start = last < 0 || this.#maxTimeNs(0) >= minTimeNs ? 0 : this.#firstIndex((i) => this.#maxTimeNs(i) >= minTimeNs); // prettier-ignore
    const end = last < 0 || this.#minTimeNs(last) <= maxTimeNs ? last + 1 : this.#firstIndex((i) => this.#minTimeNs(i) > maxTimeNs); // prettier-ignore
    return [start, Math.max(start, end)];
  }

  /** Entries ascend, so that what holds for one holds for all behind it. */
  #firstIndex(holds: (i: number) => boolean): number {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (holds(middle)) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  #minTimeNs(i: number): bigint {
    return this.#view.getBigInt64(this.#first + i * indexEntryBytes);
  }

  #maxTimeNs(i: number): bigint {
    return this.#view.getBigInt64(this.#first + i * indexEntryBytes + 8);
  }
}
