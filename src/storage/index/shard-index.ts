/**
 * The series of one shard: canonical key to id, the series and typed fields of each measurement.
 *
 * Invariants:
 * - Ids are dense, begin at 0, mean nothing outside the shard and are never given twice.
 * - A field of a measurement has one type for the life of the shard; the first write decides (spec F49).
 * - A decided field does not show until a point of it does: a batch waits for the disk between the two, and readers see
 *   its fields, its series and its points all at once.
 *
 * Held in memory and rebuilt at open from the keys of the TSM files and the log.
 */
import { compareUtf8 } from '../../base/compare-utf8.ts';
import { must } from '../../base/assert.ts';
import type { FieldType } from '../../models/field-value.ts';
import { parseSeriesKey } from '../../models/parse-series-key.ts';
import { TagPostings } from './tag-postings.ts';

export interface IndexedSeries {
  readonly key: string;
  readonly measurement: string;
  readonly tags: ReadonlyMap<string, string>;
}

interface Measurement {
  /** Of all fields that a batch has decided. */
  readonly types: Map<string, FieldType>;
  /** Those that readers see. */
  readonly fields: Map<string, FieldType>;
  /** In order of arrival, which is that of the ids. */
  readonly arrived: number[];
  /** In order of the keys' bytes, as far as it is known. */
  sorted: readonly number[];
  readonly tagKeys: Set<string>;
  readonly postings: Map<string, TagPostings>;
}

export class ShardIndex {
  readonly #ids = new Map<string, number>();
  readonly #series: IndexedSeries[] = [];
  readonly #measurements = new Map<string, Measurement>();
  #schemaVersion = 0;

  /** Grows whenever a measurement, a field or a tag key comes to show. */
  get schemaVersion(): number {
    return this.#schemaVersion;
  }

  get seriesCount(): number {
    return this.#series.length;
  }

  /** The id of a series, given now when it is new. */
  seriesIdOf(key: string): number {
    const known = this.#ids.get(key);
    if (known !== undefined) return known;
    const { measurement, tags } = parseSeriesKey(key);
    const id = this.#series.length;
    this.#ids.set(key, id);
    this.#series.push({
      key,
      measurement,
      tags: new Map(tags.map((tag) => [tag.key, tag.value])),
    });
    const entry = this.#entryOf(measurement);
    if (entry.arrived.push(id) === 1) this.#schemaVersion++;
    for (const tag of tags) {
      if (entry.tagKeys.has(tag.key)) continue;
      entry.tagKeys.add(tag.key);
      this.#schemaVersion++;
    }
    return id;
  }

  series(id: number): IndexedSeries {
    return must(this.#series[id], 'a series id comes from this index');
  }

  /** As decided, whether it shows yet or not. */
  fieldType(measurement: string, field: string): FieldType | undefined {
    return this.#measurements.get(measurement)?.types.get(field);
  }

  decideFieldType(measurement: string, field: string, type: FieldType): void {
    this.#entryOf(measurement).types.set(field, type);
  }

  /** Decides the type and shows the field. */
  showField(measurement: string, field: string, type: FieldType): void {
    const entry = this.#entryOf(measurement);
    if (entry.fields.has(field)) return;
    entry.types.set(field, type);
    entry.fields.set(field, type);
    this.#schemaVersion++;
  }

  /** Those that have points. */
  measurements(): readonly string[] {
    const shown = [...this.#measurements].filter(([, { arrived }]) => arrived.length > 0);
    return shown.map(([name]) => name).sort(compareUtf8);
  }

  fields(measurement: string): ReadonlyMap<string, FieldType> {
    return this.#measurements.get(measurement)?.fields ?? new Map<string, FieldType>();
  }

  tagKeys(measurement: string): ReadonlySet<string> {
    return this.#measurements.get(measurement)?.tagKeys ?? new Set();
  }

  /** In order of the keys' bytes. */
  seriesIds(measurement: string): readonly number[] {
    const entry = this.#measurements.get(measurement);
    if (entry === undefined) return [];
    if (entry.sorted.length < entry.arrived.length) entry.sorted = this.#sortByKey(entry.arrived);
    return entry.sorted;
  }

  /** Those with one of `values` of a tag, in order of the keys' bytes. '' is no value. */
  seriesIdsWith(measurement: string, tagKey: string, values: Iterable<string>): readonly number[] {
    const entry = this.#measurements.get(measurement);
    if (entry === undefined) return [];
    const postings = postingsOf(entry, tagKey);
    const valueOf = (id: number) => this.series(id).tags.get(tagKey);
    const ids = [...values].flatMap((value) => postings.idsOf(value, entry.arrived, valueOf));
    return this.#sortByKey(ids);
  }

  /** Each value that a tag has, once, in any order. */
  tagValues(measurement: string, tagKey: string): Iterable<string> {
    const entry = this.#measurements.get(measurement);
    if (entry?.tagKeys.has(tagKey) !== true) return [];
    const valueOf = (id: number) => this.series(id).tags.get(tagKey);
    return postingsOf(entry, tagKey).values(entry.arrived, valueOf);
  }

  #sortByKey(ids: readonly number[]): readonly number[] {
    return [...ids].sort((a, b) => compareUtf8(this.series(a).key, this.series(b).key));
  }

  #entryOf(measurement: string): Measurement {
    const known = this.#measurements.get(measurement);
    if (known !== undefined) return known;
    const entry = {
      types: new Map<string, FieldType>(),
      fields: new Map<string, FieldType>(),
      arrived: [],
      sorted: [],
      tagKeys: new Set<string>(),
      postings: new Map<string, TagPostings>(),
    };
    this.#measurements.set(measurement, entry);
    return entry;
  }
}

function postingsOf({ postings }: Measurement, tagKey: string): TagPostings {
  const known = postings.get(tagKey) ?? new TagPostings();
  postings.set(tagKey, known);
  return known;
}
