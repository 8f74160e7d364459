/** How the parts of a view know the series and fields that are asked for: by ids in memtables, by keys in files. */
import { compareUtf8 } from '../../base/compare-utf8.ts';
import type { ViewedIndex } from '../index/index-view.ts';
import { escapedSeriesKey, fieldEnding } from '../tsm/tsm-format.ts';
import type { MemtableSeries } from './series-end.ts';
import type { ViewParts } from './view-request.ts';

export const noKey = new Uint8Array(0);
const keyBytesFirst = 256;
const noOrder: FieldOrder = { fields: [], order: [] };
const onlyField: readonly number[] = [0];

/** Fields that were asked for last. */
interface FieldOrder {
  readonly fields: readonly string[];
  readonly order: readonly number[];
}

/** A series as the parts of the view know it. */
export interface NamedSeries {
  readonly seriesId: number;
  /** Of its key as keys of files begin. */
  readonly keyBytes: number;
  /** '' when no memtable has the series: nobody else asks. */
  readonly measurement: string;
  readonly memtables: readonly MemtableSeries[];
}

/** Remembers what was asked for last: the next question is mostly of another field of the same series. */
export class SeriesNames {
  readonly #index: ViewedIndex;
  readonly #parts: ViewParts;
  #named: NamedSeries | undefined;
  /** That of the named series, and behind it of a field. */
  #key: Uint8Array = noKey;
  #ordered: FieldOrder = noOrder;
  /** Of fields that were asked for. */
  #endings: Map<string, Uint8Array> | undefined;

  constructor(index: ViewedIndex, parts: ViewParts) {
    this.#index = index;
    this.#parts = parts;
  }

  /** Asked for again for the next field. */
  of(seriesId: number): NamedSeries {
    if (this.#named?.seriesId === seriesId) return this.#named;
    const bytes = this.#index.keyOf(seriesId);
    const memtables: MemtableSeries[] = [];
    for (const memtable of this.#parts.memtables) {
      const id = memtable.bounds === undefined ? undefined : memtable.idOf(bytes, seriesId);
      if (id !== undefined) memtables.push({ memtable, seriesId: id });
    }
    const measurement = memtables.length === 0 ? '' : this.#index.measurementOf(seriesId);
    // Nobody else asks for it.
    const escaped = this.#parts.files.length === 0 ? noKey : escapedSeriesKey(bytes);
    this.#keyRoom(escaped.length).set(escaped);
    this.#named = { seriesId, keyBytes: escaped.length, measurement, memtables };
    return this.#named;
  }

  /** The key in files of a field of the series that was named last; it holds until the next one. */
  keyOf({ keyBytes }: NamedSeries, field: string): Uint8Array {
    const endings = (this.#endings ??= new Map<string, Uint8Array>());
    let ending = endings.get(field);
    if (ending === undefined) endings.set(field, (ending = fieldEnding(field)));
    const key = this.#keyRoom(keyBytes + ending.length);
    key.set(ending, keyBytes);
    return key.subarray(0, keyBytes + ending.length);
  }

  #keyRoom(lengthBytes: number): Uint8Array {
    if (lengthBytes > this.#key.length) {
      const grown = new Uint8Array(Math.max(keyBytesFirst, lengthBytes * 2));
      grown.set(this.#key);
      this.#key = grown;
    }
    return this.#key;
  }

  /** Fields by their places, in the order that keys of a series have in files. */
  orderOf(fields: readonly string[]): readonly number[] {
    if (fields.length === 1) return onlyField;
    const { fields: known, order } = this.#ordered;
    if (known === fields || (known.length === fields.length && known.every((field, i) => field === fields[i]))) return order; // prettier-ignore
    const found = fields.map((_, i) => i).sort((a, b) => compareUtf8(fields[a] ?? '', fields[b] ?? '')); // prettier-ignore
    this.#ordered = { fields, order: found };
    return found;
  }
}
