/**
 * The index of a list of series of one measurement, by the bytes of their keys: for whoever reads files of a shard whose index
 * he has not got, or some of its series at a time.
 *
 * Invariants:
 * - ids are places in the list, which holds groups one behind the other and the series of each in the order of their keys;
 * - who asks for series gets those that are shown at the time, whatever values of tags he names: they have been picked before.
 */
import { exactTextIn } from '../../base/exact-text.ts';
import type { HyperLogLog } from '../../base/collections/hyper-log-log.ts';
import type { TextPile } from '../../base/text-pile.ts';
import { hashBytes } from '../../base/hash-bytes.ts';
import type { FieldType } from '../../models/field-value.ts';
import { parseSeriesKey } from '../../models/parse-series-key.ts';
import { IndexedSeries, type ViewedIndex } from './index-view.ts';

/** Plain data. */
export interface SeriesList {
  readonly measurement: string;
  readonly fields: readonly (readonly [name: string, type: FieldType])[];
  readonly tagKeys: readonly string[];
  /** Canonical keys, one behind the other, and where each ends. */
  readonly keys: Uint8Array;
  readonly ends: Uint32Array;
}

const nothing: ReadonlyMap<string, FieldType> = new Map();

export class ListedIndex implements ViewedIndex {
  readonly #list: SeriesList;
  readonly #fields: ReadonlyMap<string, FieldType>;
  #from = 0;
  #end: number;

  constructor(list: SeriesList) {
    this.#list = list;
    this.#fields = new Map(list.fields);
    this.#end = list.ends.length;
  }

  /** From now on it has the series [from, end) of the list. */
  show(from: number, end: number): void {
    this.#from = from;
    this.#end = end;
  }

  release(): void {
    // It holds nothing.
  }

  measurements(): readonly string[] {
    return this.#from < this.#end ? [this.#list.measurement] : [];
  }

  hasSeries(measurement: string): boolean {
    return this.#idsOf(measurement).length > 0;
  }

  fields(measurement: string): ReadonlyMap<string, FieldType> {
    return measurement === this.#list.measurement ? this.#fields : nothing;
  }

  tagKeys(measurement: string): Iterable<string> {
    return measurement === this.#list.measurement ? this.#list.tagKeys : [];
  }

  *seriesIds(measurement: string): Generator<undefined, Uint32Array> {
    return this.#idsOf(measurement);
  }

  seriesIdsByPart(measurement: string): Uint32Array {
    return this.#idsOf(measurement);
  }

  seriesIdsWith(measurement: string): Generator<undefined, Uint32Array> {
    return this.seriesIds(measurement);
  }

  /** Of the series that are shown. */
  *tagValueLists(measurement: string, tagKey: string): Generator<readonly string[], void> {
    for (const id of this.#idsOf(measurement)) {
      const value = this.series(id).tag(tagKey);
      if (value !== undefined) yield [value];
    }
  }

  *tagValuesInto(measurement: string, tagKey: string, pile: TextPile): Generator<undefined, void> {
    for (const list of this.tagValueLists(measurement, tagKey)) {
      for (const value of list) pile.addText(value);
      yield;
    }
  }

  *sketchSeries(into: HyperLogLog, measurement = this.#list.measurement): Generator<undefined> {
    for (const id of this.#idsOf(measurement)) {
      const key = this.keyOf(id);
      into.addHash(hashBytes(key, 0, key.length));
      yield;
    }
  }

  keyOf(id: number): Uint8Array {
    const { keys, ends } = this.#list;
    return keys.subarray(id === 0 ? 0 : ends[id - 1], ends[id]);
  }

  keyInto(id: number, out: Uint8Array, at: number): number {
    const key = this.keyOf(id);
    if (at + key.length > out.length) return -1;
    out.set(key, at);
    return at + key.length;
  }

  keyText(id: number): string {
    const { buffer, byteOffset, length } = this.keyOf(id);
    return exactTextIn(Buffer.from(buffer, byteOffset, length));
  }

  series(id: number): IndexedSeries {
    return new IndexedSeries(this.keyText(id));
  }

  /** No table has them by number. */
  numbersIn(): boolean {
    return false;
  }

  measurementOf(id: number): string {
    return parseSeriesKey(this.keyText(id)).measurement;
  }

  #idsOf(measurement: string): Uint32Array {
    const [from, end] = measurement === this.#list.measurement ? [this.#from, this.#end] : [0, 0];
    const ids = new Uint32Array(end - from);
    for (let i = 0; i < ids.length; i++) ids[i] = from + i;
    return ids;
  }
}
