/**
 * The values of one tag of a measurement in several indexes, each once: for `max-values-per-tag`, when their sum alone may be
 * too much. What it has seen of an index is not looked at again: segments are immutable, and values of tables have numbers.
 *
 * Invariants:
 * - every value of an index that was asked with is in it; values of series that are gone stay, as they do in each index;
 * - an index that is not among those that are asked with any more makes it begin anew.
 */
import { exactBytesOf } from '../../base/exact-text.ts';
import { escapeMeasurement, escapeTag } from '../../models/series-key.ts';
import type { IndexSegment } from './index-segment.ts';
import type { ResidentSeries } from './resident-series.ts';
import type { CountedIndex } from './tag-counts.ts';

interface Seen {
  readonly segments: WeakSet<IndexSegment>;
  /** How many values of a table. */
  readonly tables: WeakMap<ResidentSeries, number>;
}

export class ValueUnion {
  readonly #measurement: string;
  readonly #tagKey: string;
  /** As keys write them, a character for each byte. */
  readonly #values = new Set<string>();
  #seen = new Map<CountedIndex, Seen>();

  constructor(measurement: string, tagKey: string) {
    this.#measurement = measurement;
    this.#tagKey = tagKey;
  }

  count(indexes: readonly CountedIndex[]): number {
    if ([...this.#seen.keys()].some((index) => !indexes.includes(index))) {
      this.#values.clear();
      this.#seen = new Map();
    }
    for (const index of indexes) this.#add(index);
    return this.#values.size;
  }

  /** As keys write them, a character for each byte: of the indexes that were counted last. */
  get values(): ReadonlySet<string> {
    return this.#values;
  }

  #add(index: CountedIndex): void {
    const seen: Seen = this.#seen.get(index) ?? { segments: new WeakSet(), tables: new WeakMap() };
    this.#seen.set(index, seen);
    for (const segment of index.segments) {
      if (seen.segments.has(segment)) continue;
      seen.segments.add(segment);
      this.#addStored(segment);
    }
    for (const table of index.tables) {
      const entry = table.measurement(this.#measurement);
      const column = entry && table.columnOf(entry, this.#tagKey);
      const count = column?.valueCount ?? 0;
      for (let id = seen.tables.get(table) ?? 0; id < count; id++)
        if (column !== undefined) this.#values.add(textOf(column.writtenValue(id)));
      seen.tables.set(table, count);
    }
  }

  #addStored(segment: IndexSegment): void {
    const found = segment.measurement(exactBytesOf(escapeMeasurement(this.#measurement)));
    const tag = found && segment.tag(found, exactBytesOf(escapeTag(this.#tagKey)));
    if (tag === undefined) return;
    for (const [value] of segment.values(tag)) this.#values.add(textOf(value));
  }
}

/** A value in that form. */
export function writtenValue(value: string): string {
  return textOf(exactBytesOf(escapeTag(value)));
}

function textOf(value: Uint8Array): string {
  return Buffer.from(value.buffer, value.byteOffset, value.length).toString('latin1');
}
