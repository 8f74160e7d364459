/**
 * One tag of one measurement: which of its values each series has, by number. Made when the tag is first asked for and
 * brought up to date whenever it is asked again: a tag that nobody names costs nothing.
 *
 * Invariants:
 * - The table holds the values as keys write them, escaped; the column has for each member that was there when the tag was
 *   last asked for the number of its value + 1, or 0 for none.
 */
import { exactBytesOf, exactTextIn } from '../../base/exact-text.ts';
import { compareBytes, type TextPile } from '../../base/text-pile.ts';
import { escapeTag } from '../../models/series-key.ts';
import { KeyTable, type KeyReader } from '../../kernels/key-table.ts';
import type { StoreKernel } from '../../kernels/store-kernel.ts';
import type { GrowingWords } from './growing-words.ts';
import { addWritten, unescapedTag } from './series-name.ts';
import { sortSeries } from './sort-series.ts';

/** More values are sorted by the kernel. */
const sortedByHandMax = 32;
/** Values that are added between two chances to rest. */
const addedAtOnce = 1_024;

export class TagColumn {
  readonly #kernel: StoreKernel;
  readonly #values: KeyTable;
  readonly #column: GrowingWords;
  /** As keys write it. */
  readonly #tagKey: Uint8Array;

  constructor(kernel: StoreKernel, tagKey: Uint8Array, column: GrowingWords) {
    this.#kernel = kernel;
    this.#tagKey = tagKey;
    this.#values = new KeyTable(kernel);
    this.#column = column;
  }

  get valueCount(): number {
    return this.#values.count;
  }

  /** Lists the members that have come since. */
  update(series: KeyTable, members: GrowingWords): void {
    const { exports } = this.#kernel;
    const { count } = members;
    if (this.#column.count === count) return;
    this.#column.reserve(count);
    const tagKeyBytes = this.#tagKey.length;
    for (let from = this.#column.count; from < count;) {
      const tagKey = this.#kernel.scratch(tagKeyBytes + 16);
      this.#kernel.bytes(tagKey, tagKeyBytes).set(this.#tagKey);
      from = exports.listTag(series.at, members.at, from, count, tagKey, tagKeyBytes, this.#values.at, this.#column.at); // prettier-ignore
      this.#values.grow();
    }
    this.#column.count = count;
  }

  /** The values that a series has, in no order, each once. */
  *values(): Generator<string> {
    for (let id = 0; id < this.#values.count; id++)
      yield unescapedTag(textOf(this.#values.key(id)));
  }

  /** Those that a member has which counts, each once. */
  *valuesOf(members: GrowingWords, counts: (id: number) => boolean): Generator<string> {
    const used = this.usedBy(members, counts);
    for (let id = 0; id < this.#values.count; id++)
      if (used[id] === 1) yield unescapedTag(textOf(this.#values.key(id)));
  }

  /** Adds the values that a series has, or those with a 1 in `used`, to a pile, in order as keys write them. */
  *valuesInto(pile: TextPile, used?: Uint8Array): Generator<undefined, void> {
    const { count } = this.#values;
    if (count > sortedByHandMax) {
      yield* this.#manyInto(pile, used);
      return;
    }
    const keys = this.#values.reader();
    const ids: number[] = [];
    for (let id = 0; id < count; id++) if (used === undefined || used[id] === 1) insert(ids, id, keys); // prettier-ignore
    for (const id of ids) addWritten(pile, keys.bytes, keys.start(id), keys.end(id));
  }

  *#manyInto(pile: TextPile, used: Uint8Array | undefined): Generator<undefined, void> {
    const { heap } = this.#kernel;
    const { count } = this.#values;
    const at = heap.allocate(count * 4);
    try {
      const ids = this.#kernel.words(at, count);
      let usedCount = 0;
      for (let id = 0; id < count; id++) if (used === undefined || used[id] === 1) ids[usedCount++] = id; // prettier-ignore
      yield* sortSeries(this.#kernel, this.#values, { ids: at, count: usedCount });
      const sorted = this.#kernel.words(at, usedCount).slice();
      for (let from = 0; from < usedCount; from += addedAtOnce) {
        const keys = this.#values.reader();
        for (const id of sorted.subarray(from, from + addedAtOnce))
          addWritten(pile, keys.bytes, keys.start(id), keys.end(id));
        yield;
      }
    } finally {
      heap.free(at, count * 4);
    }
  }

  /** For valuesInto(): which values a member has that counts. */
  usedBy(members: GrowingWords, counts: (id: number) => boolean): Uint8Array {
    const used = new Uint8Array(this.#values.count + 1);
    const ids = this.#kernel.words(members.at, this.#column.count);
    const values = this.#kernel.words(this.#column.at, this.#column.count);
    for (let i = 0; i < ids.length; i++) if (counts(ids[i] ?? 0)) used[values[i] ?? 0] = 1;
    return used.subarray(1);
  }

  /** A value by number, as keys write it: a view that holds until the memory grows. */
  writtenValue(number: number): Uint8Array {
    return this.#values.key(number);
  }

  hasWritten(value: Uint8Array): boolean {
    return this.#values.find(value) !== undefined;
  }

  /** Whether a value is one of them. */
  has(value: string): boolean {
    return this.#values.find(exactBytesOf(escapeTag(value))) !== undefined;
  }

  /** Writes the members that have one of `values` to `out`, which has room for one more than all; answers how many. */
  select(members: GrowingWords, values: Iterable<string>, out: number): number {
    const wanted = new Uint8Array(this.#values.count + 1);
    for (const value of values) {
      const id = this.#values.find(exactBytesOf(escapeTag(value)));
      if (id !== undefined) wanted[id + 1] = 1;
    }
    const at = this.#kernel.scratch(wanted.length);
    this.#kernel.bytes(at, wanted.length).set(wanted);
    return this.#kernel.exports.selectMembers(members.at, this.#column.at, this.#column.count, at, out); // prettier-ignore
  }

  release(): void {
    this.#values.release();
    this.#column.release();
  }
}

/** Puts a value where it belongs among those that are in order. */
function insert(ids: number[], id: number, keys: KeyReader): void {
  const { bytes } = keys;
  const own = { start: keys.start(id), end: keys.end(id) };
  let at = ids.length;
  for (; at > 0; at--) {
    const before = ids[at - 1] ?? 0;
    const span = { start: keys.start(before), end: keys.end(before) };
    if (compareBytes(bytes, span, bytes, own) <= 0) break;
    ids[at] = before;
  }
  ids[at] = id;
}

/** By Buffer, as a decoder takes longer for a short text than all the rest. */
function textOf({ buffer, byteOffset, length }: Uint8Array): string {
  return exactTextIn(Buffer.from(buffer, byteOffset, length));
}
