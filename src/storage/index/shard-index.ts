/**
 * The series of one shard: canonical key to id, the series and typed fields of each measurement.
 *
 * Invariants:
 * - Ids are dense, begin at 0, mean nothing outside the shard and are never given twice.
 * - A field of a measurement has one type for the life of the shard; the first write decides (spec F49).
 * - A decided field does not show until a point of it does: a batch waits for the disk between the two, and readers see
 *   its fields, its series and its points all at once.
 *
 * Held in memory and rebuilt at open from the keys of the TSM files and the log. Not here: postings of tags; a scan of a
 * measurement's series decides tag predicates for now.
 */
import { compareUtf8 } from '../../base/compare-utf8.ts';
import { must } from '../../base/assert.ts';
import type { FieldType } from '../../models/field-value.ts';
import { parseSeriesKey } from '../../models/parse-series-key.ts';

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
  readonly seriesIds: number[];
  readonly tagKeys: Set<string>;
  isSorted: boolean;
}

export class ShardIndex {
  readonly #ids = new Map<string, number>();
  readonly #series: IndexedSeries[] = [];
  readonly #measurements = new Map<string, Measurement>();

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
    entry.seriesIds.push(id);
    entry.isSorted = entry.seriesIds.length === 1;
    for (const tag of tags) entry.tagKeys.add(tag.key);
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
    entry.types.set(field, type);
    entry.fields.set(field, type);
  }

  /** Those that have points. */
  measurements(): readonly string[] {
    const shown = [...this.#measurements].filter(([, { seriesIds }]) => seriesIds.length > 0);
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
    if (!entry.isSorted) {
      entry.seriesIds.sort((a, b) => compareUtf8(this.series(a).key, this.series(b).key));
      entry.isSorted = true;
    }
    return entry.seriesIds;
  }

  #entryOf(measurement: string): Measurement {
    const known = this.#measurements.get(measurement);
    if (known !== undefined) return known;
    const entry = {
      types: new Map<string, FieldType>(),
      fields: new Map<string, FieldType>(),
      seriesIds: [],
      tagKeys: new Set<string>(),
      isSorted: true,
    };
    this.#measurements.set(measurement, entry);
    return entry;
  }
}
