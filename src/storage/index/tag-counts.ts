/**
 * How many values tags have, for `max-values-per-tag`: counted over segments once, and for series in memory as they come.
 * Asked of tags that are nearly full only, and of at most `tagsMax` at a time.
 */
import { exactBytesOf } from '../../base/exact-text.ts';
import { escapeMeasurement, escapeTag } from '../../models/series-key.ts';
import type { IndexSegment } from './index-segment.ts';
import type { ResidentSeries } from './resident-series.ts';

/** What is counted: the part of a shard's index that has values. */
export interface CountedIndex {
  readonly segments: readonly IndexSegment[];
  readonly tables: readonly ResidentSeries[];
}

interface TagCount {
  readonly segments: readonly IndexSegment[];
  readonly tables: readonly ResidentSeries[];
  /** Of the segments. */
  readonly storedCount: number;
  /** Values of each table that were looked at, and how many of them no earlier part has. */
  readonly seen: number[];
  addedCount: number;
}

const tagsMax = 1_024;

export class TagCounts {
  readonly #counts = new Map<string, TagCount>();

  count(index: CountedIndex, measurement: string, tagKey: string): number {
    const columns = index.tables.map((table) => {
      const entry = table.measurement(measurement);
      return entry && table.columnOf(entry, tagKey);
    });
    if (index.segments.length === 0 && columns.length === 1) return columns[0]?.valueCount ?? 0;
    const known = this.#known(index, measurement, tagKey);
    columns.forEach((column, place) => {
      const count = column?.valueCount ?? 0;
      for (let id = known.seen[place] ?? 0; id < count; id++) {
        const value = column?.writtenValue(id).slice();
        const isEarlier = value !== undefined && (columns.slice(0, place).some((one) => one?.hasWritten(value)) || isStored(index.segments, { measurement, tagKey, value })); // prettier-ignore
        if (!isEarlier) known.addedCount++;
      }
      known.seen[place] = count;
    });
    return known.storedCount + known.addedCount;
  }

  #known(index: CountedIndex, measurement: string, tagKey: string): TagCount {
    const name = `${measurement.length} ${measurement}${tagKey}`;
    const known = this.#counts.get(name);
    const isSame =
      known !== undefined &&
      known.segments === index.segments &&
      known.tables.length === index.tables.length &&
      known.tables.every((table, i) => table === index.tables[i]);
    if (isSame) return known;
    if (this.#counts.size >= tagsMax) this.#counts.clear();
    const { segments, tables } = index;
    const storedCount = countStored(segments, measurement, tagKey);
    const fresh = { segments, tables, storedCount, seen: tables.map(() => 0), addedCount: 0 };
    this.#counts.set(name, fresh);
    return fresh;
  }
}

function countStored(
  segments: readonly IndexSegment[],
  measurement: string,
  tagKey: string,
): number {
  const name = exactBytesOf(escapeMeasurement(measurement));
  const key = exactBytesOf(escapeTag(tagKey));
  const found = segments.flatMap((segment) => {
    const one = segment.measurement(name);
    const tag = one && segment.tag(one, key);
    return tag === undefined ? [] : [{ segment, tag }];
  });
  const [first, ...others] = found;
  if (first === undefined) return 0;
  if (others.length === 0) return first.tag.valueCount;
  const values = new Set<string>();
  for (const { segment, tag } of found)
    for (const [value] of segment.values(tag)) values.add(Buffer.from(value).toString('latin1'));
  return values.size;
}

/** Whether a segment has a value, as keys write it. */
export function isStored(
  segments: readonly IndexSegment[],
  { measurement, tagKey, value }: { readonly measurement: string; readonly tagKey: string; readonly value: Uint8Array }, // prettier-ignore
): boolean {
  const name = exactBytesOf(escapeMeasurement(measurement));
  const key = exactBytesOf(escapeTag(tagKey));
  return segments.some((segment) => {
    const found = segment.measurement(name);
    const tag = found && segment.tag(found, key);
    return tag !== undefined && segment.value(tag, value) >= 0;
  });
}
