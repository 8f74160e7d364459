/**
 * One tag of one measurement: which of its values each series has, by number. Made when the tag is first asked for and
 * brought up to date whenever it is asked again: a tag that nobody names costs nothing.
 *
 * Invariants:
 * - The table holds the values as keys write them, escaped; the column has for each member that was there when the tag was
 *   last asked for the number of its value + 1, or 0 for none.
 */
import { escapeTag } from '../../models/series-key.ts';
import { KeyTable } from '../../kernels/key-table.ts';
import type { StoreKernel } from '../../kernels/store-kernel.ts';
import type { GrowingWords } from './growing-words.ts';
import { unescapedTag } from './series-name.ts';

const encoder = new TextEncoder();

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
    const used = new Uint8Array(this.#values.count + 1);
    const ids = this.#kernel.words(members.at, this.#column.count);
    const values = this.#kernel.words(this.#column.at, this.#column.count);
    ids.forEach((id, i) => {
      if (counts(id)) used[values[i] ?? 0] = 1;
    });
    for (let id = 0; id < this.#values.count; id++)
      if (used[id + 1] === 1) yield unescapedTag(textOf(this.#values.key(id)));
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
    return this.#values.find(encoder.encode(escapeTag(value))) !== undefined;
  }

  /** Writes the members that have one of `values` to `out`, which has room for one more than all; answers how many. */
  select(members: GrowingWords, values: Iterable<string>, out: number): number {
    const wanted = new Uint8Array(this.#values.count + 1);
    for (const value of values) {
      const id = this.#values.find(encoder.encode(escapeTag(value)));
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

/** By Buffer, as a decoder takes longer for a short text than all the rest. */
function textOf({ buffer, byteOffset, length }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, length).toString();
}
