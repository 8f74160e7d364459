/**
 * The index of a shard for one reader: the segments that were there when it was taken, and what was in memory beside them.
 *
 * Invariants:
 * - ids mean nothing outside the view, and mean the same as long as it is held: series of segments by segment and number,
 *   then those in memory by their ids there;
 * - each series that has points is listed once: by its segment, or as fresh by the one table that brought it;
 * - series that come while it is held may show; a series whose last point is deleted does not show from then on.
 */
import { exactBytesOf, exactTextIn, exactTextOf } from '../../base/exact-text.ts';
import { compareUtf8 } from '../../base/compare-utf8.ts';
import type { HyperLogLog } from '../../base/collections/hyper-log-log.ts';
import { hashBytes } from '../../base/hash-bytes.ts';
import { InvariantError, must } from '../../base/assert.ts';
import type { TextPile } from '../../base/text-pile.ts';
import type { FieldType } from '../../models/field-value.ts';
import { parseSeriesKey, tagOfKey } from '../../models/parse-series-key.ts';
import { escapeMeasurement, escapeTag } from '../../models/series-key.ts';
import type { FieldSchemas } from './field-schemas.ts';
import { IndexSegment, type FoundMeasurement, type FoundTag } from './index-segment.ts';
import { mergeIds, type OrderedIds } from './merge-ids.ts';
import { orderNumbers } from './order-numbers.ts';
import type { ResidentSeries } from './resident-series.ts';
import { unescapedMeasurement, unescapedTag } from './series-name.ts';

/** A series by its key, which is taken apart when more than a tag of it is asked for. */
export class IndexedSeries {
  readonly key: string;
  #tags: ReadonlyMap<string, string> | undefined;

  constructor(key: string) {
    this.key = key;
  }

  get measurement(): string {
    return parseSeriesKey(this.key).measurement;
  }

  get tags(): ReadonlyMap<string, string> {
    this.#tags ??= new Map(parseSeriesKey(this.key).tags.map((tag) => [tag.key, tag.value]));
    return this.#tags;
  }

  tag(name: string): string | undefined {
    return this.#tags === undefined ? tagOfKey(this.key, name) : this.#tags.get(name);
  }
}

export interface IndexState {
  readonly schemas: FieldSchemas;
  readonly segments: readonly IndexSegment[];
  /** Those that take no series any more first. */
  readonly tables: readonly ResidentSeries[];
  /** Of the latest segment, now and at any time. */
  readonly turn: number;
  readonly latestTurn: () => number;
}

interface Based<T> {
  readonly of: T;
  /** The id of its first series. */
  readonly base: number;
}

/** What a view of a shard asks of an index. */
export type ViewedIndex = Omit<IndexView, 'keyCopyOf' | 'placeOf'>;

/** So many keys are looked at between two chances to rest. */
const restSeriesCount = 256;

export class IndexView {
  readonly #state: IndexState;
  readonly #segments: readonly Based<IndexSegment>[];
  readonly #tables: readonly Based<ResidentSeries>[];
  readonly #releases: readonly (() => void)[];

  /** To be released. */
  constructor(state: IndexState) {
    this.#state = state;
    let base = 0;
    const based = <T>(of: T, count: number): Based<T> => {
      const placed = { of, base };
      base += count;
      return placed;
    };
    this.#segments = state.segments.map((segment) => based(segment, segment.seriesCount));
    this.#tables = state.tables.map((table) => based(table, table.count));
    this.#releases = [...state.segments, ...state.tables].map((part) => part.hold());
  }

  release(): void {
    for (const release of this.#releases) release();
  }

  /** Those that have points. */
  measurements(): readonly string[] {
    const names = new Set<string>();
    for (const { of } of this.#segments)
      for (let number = 0; number < of.measurementCount; number++)
        if (of.liveCountOf(of.measurementAt(number)) > 0)
          names.add(unescapedMeasurement(exactTextOf(of.measurementName(number))));
    for (const { of } of this.#freshTables())
      for (const entry of of.measurements)
        if (!names.has(entry.name) && of.hasFresh(entry, this.#state.turn)) names.add(entry.name);
    return [...names].sort(compareUtf8);
  }

  /** Whether a measurement has series that have points. */
  hasSeries(measurement: string): boolean {
    for (const { of, found } of this.#foundIn(measurement))
      if (of.liveCountOf(found) > 0) return true;
    return this.#freshTables().some(({ of }) => {
      const entry = of.measurement(measurement);
      return entry !== undefined && of.hasFresh(entry, this.#state.turn);
    });
  }

  fields(measurement: string): ReadonlyMap<string, FieldType> {
    return this.#state.schemas.fields(measurement);
  }

  tagKeys(measurement: string): Iterable<string> {
    const keys = new Set<string>();
    for (const { of, found } of this.#foundIn(measurement)) {
      const isWhole = of.gone.series.count === 0 || of.liveCountOf(found) === found.seriesCount;
      for (const [key, tag] of of.tags(found))
        if (isWhole || hasLiveValue(of, tag)) keys.add(unescapedTag(exactTextOf(key)));
    }
    for (const { of } of this.#freshTables())
      for (const key of of.measurement(measurement)?.tagKeys.keys() ?? []) {
        if (keys.has(key)) continue;
        const values = of.freshValues(measurement, key, this.#state.turn);
        if (values[Symbol.iterator]().next().done !== true) keys.add(key);
      }
    return keys;
  }

  /** In order of the keys' bytes. Each step is short. */
  *seriesIds(measurement: string): Generator<undefined, Uint32Array> {
    const lists: OrderedIds[] = [];
    for (const found of this.#foundIn(measurement)) {
      lists.push({ ids: liveIds(found), keyOf: (id) => this.keyOf(id) });
      yield;
    }
    for (const { of, base } of this.#freshTables())
      lists.push(this.#placed(yield* of.freshIds(measurement, this.#state.turn), base));
    return yield* mergeIds(lists);
  }

  /** The same in no order: no key is looked at. */
  seriesIdsByPart(measurement: string): Uint32Array {
    const lists = [...this.#foundIn(measurement)].map(liveIds);
    for (const { of, base } of this.#freshTables())
      lists.push(based(of.freshIn(measurement, this.#state.turn), base));
    const [only, ...others] = lists;
    if (only !== undefined && others.length === 0) return only;
    const all = new Uint32Array(lists.reduce((sum, ids) => sum + ids.length, 0));
    let at = 0;
    for (const ids of lists) {
      all.set(ids, at);
      at += ids.length;
    }
    return all;
  }

  /** Those with one of `values` of a tag, in order of the keys' bytes. '' is no value. Each step is short. */
  *seriesIdsWith(
    measurement: string,
    tagKey: string,
    values: Iterable<string>,
  ): Generator<undefined, Uint32Array> {
    const wanted = [...(values instanceof Set ? (values as Set<string>) : new Set(values))];
    const lists: OrderedIds[] = [];
    for (const { of, base, found } of this.#foundIn(measurement)) {
      const tag = of.tag(found, exactBytesOf(escapeTag(tagKey)));
      if (tag !== undefined)
        lists.push(this.#placed(yield* seriesWith(of, { found, tag }, wanted), base));
      yield;
    }
    for (const { of, base } of this.#freshTables()) {
      const ids = yield* of.freshIdsWith(measurement, { tagKey, values: wanted }, this.#state.turn);
      lists.push(this.#placed(ids, base));
    }
    const [only] = lists;
    return lists.length === 1 && only !== undefined ? only.ids : yield* mergeIds(lists);
  }

  /**
   * The values of a tag in lists of a page of a segment, or some hundred of a table. What several parts of the index have comes
   * with each: whoever wants them once has them in order sooner than in a set. Those of a segment come in order, as keys write them.
   */
  *tagValueLists(measurement: string, tagKey: string): Generator<readonly string[], void> {
    for (const { of, found } of this.#foundIn(measurement)) {
      const tag = of.tag(found, exactBytesOf(escapeTag(tagKey)));
      if (tag === undefined) continue;
      for (const written of of.liveValueTexts(tag)) yield written.map(unescapedTag);
    }
    for (const { of } of this.#freshTables())
      if (of.measurement(measurement) !== undefined)
        yield* listsOf(of.freshValues(measurement, tagKey, this.#state.turn));
  }

  /** Adds the same to a pile, where a run begins with each part of the index. */
  *tagValuesInto(measurement: string, tagKey: string, pile: TextPile): Generator<undefined, void> {
    for (const { of, found } of this.#foundIn(measurement)) {
      const tag = of.tag(found, exactBytesOf(escapeTag(tagKey)));
      if (tag !== undefined) yield* of.liveValuesInto(tag, pile);
    }
    for (const { of } of this.#freshTables()) {
      const steps = of.freshValuesInto({ measurement, tagKey }, this.#state.turn, pile);
      if (steps !== undefined) yield* steps;
    }
  }

  /**
   * Adds the series that have points to a sketch, those of a measurement or all: by the sketches of segments, so that few
   * keys are looked at. Each step is short.
   */
  *sketchSeries(into: HyperLogLog, measurement?: string): Generator<undefined, void> {
    const parts: Iterable<Based<IndexSegment> & { readonly found?: FoundMeasurement }> =
      measurement === undefined ? this.#segments : this.#foundIn(measurement);
    for (const { of, found } of parts) {
      const registers = of.sketch(found);
      if (registers === undefined) yield* sketchKeys(of, { into, found });
      else into.mergeRegisters(registers);
      yield;
    }
    for (const { of } of this.#freshTables())
      for (const [i, id] of of.freshIn(measurement, this.#state.turn).entries()) {
        const key = of.keyOf(id);
        into.addHash(hashBytes(key, 0, key.length));
        if (i % restSeriesCount === restSeriesCount - 1) yield;
      }
  }

  /** The bytes of a series' key, which hold until the memory grows. */
  keyOf(id: number): Uint8Array {
    const { of, number } = this.placeOf(id);
    return of instanceof IndexSegment ? of.key(number) : of.keyOf(number);
  }

  /** Writes the key to `out` from `at` on; answers where it ends, or -1 when there is no room for it. */
  keyInto(id: number, out: Uint8Array, at: number): number {
    const { of, number } = this.placeOf(id);
    if (of instanceof IndexSegment) return of.keyInto(number, out, at);
    const key = of.keyOf(number);
    if (at + key.length > out.length) return -1;
    out.set(key, at);
    return at + key.length;
  }

  /** They hold for good. */
  keyCopyOf(id: number): Uint8Array {
    const { of, number } = this.placeOf(id);
    return of instanceof IndexSegment ? of.key(number) : of.keyOf(number).slice();
  }

  /** By Buffer, as a decoder takes longer for a short text than all the rest. */
  keyText(id: number): string {
    const { buffer, byteOffset, length } = this.keyOf(id);
    return exactTextIn(Buffer.from(buffer, byteOffset, length));
  }

  /** Its key, made now. */
  series(id: number): IndexedSeries {
    return new IndexedSeries(this.keyText(id));
  }

  /** Numbers of series in a table, to `numbers`; false when not all of them are its own. */
  numbersIn(table: ResidentSeries, ids: Uint32Array, numbers: Int32Array): boolean {
    for (const { of, base } of this.#tables) {
      if (of !== table) continue;
      const next = this.#tables.find((other) => other.base > base)?.base ?? Infinity;
      for (let i = 0; i < ids.length; i++) {
        const id = ids[i] ?? 0;
        if (id < base || id >= next) return false;
        numbers[i] = id - base;
      }
      return true;
    }
    return false;
  }

  measurementOf(id: number): string {
    const { of, number } = this.placeOf(id);
    if (!(of instanceof IndexSegment)) return of.measurementOf(number);
    return unescapedMeasurement(exactTextOf(of.measurementName(of.measurementNumberOf(number))));
  }

  *#foundIn(
    measurement: string,
  ): Generator<Based<IndexSegment> & { readonly found: FoundMeasurement }> {
    if (this.#segments.length === 0) return;
    const name = exactBytesOf(escapeMeasurement(measurement));
    for (const { of, base } of this.#segments) {
      const found = of.measurement(name);
      if (found !== undefined && found.seriesCount > 0) yield { of, base, found };
    }
  }

  /** Without a look at the series of those that can have none. */
  #freshTables(): readonly Based<ResidentSeries>[] {
    const { turn, latestTurn } = this.#state;
    return this.#tables.filter(({ of }) => of.hasFreshAt(turn, latestTurn()));
  }

  #placed(numbers: Uint32Array, base: number): OrderedIds {
    return { ids: based(numbers, base), keyOf: (id) => this.keyOf(id) };
  }

  /** Where a series was when the view was taken. Hot: no list is made. The last table is the one that may grow. */
  placeOf(id: number): { readonly of: IndexSegment | ResidentSeries; readonly number: number } {
    for (const parts of [this.#tables, this.#segments])
      for (let i = parts.length - 1; i >= 0; i--) {
        const { of, base } = must(parts[i], 'a part of the view');
        if (id >= base) return { of, number: id - base };
      }
    throw new InvariantError('an id is of a part of the view');
  }
}

function* sketchKeys(
  segment: IndexSegment,
  { into, found }: { readonly into: HyperLogLog; readonly found: FoundMeasurement | undefined },
): Generator<undefined> {
  const { firstSeries: first, seriesCount: count } = found ?? { firstSeries: 0, seriesCount: segment.seriesCount }; // prettier-ignore
  for (let number = first; number < first + count; number++) {
    if ((number - first) % restSeriesCount === restSeriesCount - 1) yield;
    if (segment.gone.series.has(number)) continue;
    const key = segment.key(number);
    into.addHash(hashBytes(key, 0, key.length));
  }
}

/** Adds `base` to each, where they lie. */
function based(numbers: Uint32Array, base: number): Uint32Array {
  if (base !== 0) for (let i = 0; i < numbers.length; i++) numbers[i] = (numbers[i] ?? 0) + base;
  return numbers;
}

/** In order. */
function liveIds({
  of,
  base,
  found,
}: Based<IndexSegment> & { readonly found: FoundMeasurement }): Uint32Array {
  return of.gone.series.othersOf(found.firstSeries, found.seriesCount, base);
}

/** Numbers of a list that are taken between two chances to rest. */
const numbersAtOnce = 4_096;

/** The series that have one of the values and have points, ascending. */
function* seriesWith(
  segment: IndexSegment,
  { found, tag }: { readonly found: FoundMeasurement; readonly tag: FoundTag },
  values: readonly string[],
): Generator<undefined, Uint32Array> {
  const numbers: number[] = [];
  let count = 0;
  for (const value of values) {
    const at = segment.value(tag, exactBytesOf(escapeTag(value)));
    if (at < 0) continue;
    for (const number of segment.seriesOf(at)) {
      if (!segment.gone.series.has(number)) numbers.push(number);
      if (++count % numbersAtOnce === 0) yield;
    }
  }
  // A series has one value of a tag: the lists share none, and each is in order.
  if (values.length < 2) return Uint32Array.from(numbers);
  return yield* orderNumbers(numbers, { start: found.firstSeries, count: found.seriesCount });
}

function* listsOf(values: Iterable<string>): Generator<readonly string[]> {
  let list: string[] = [];
  for (const value of values) {
    if (list.push(value) < restSeriesCount) continue;
    yield list;
    list = [];
  }
  if (list.length > 0) yield list;
}

function hasLiveValue(segment: IndexSegment, tag: FoundTag): boolean {
  for (const [, number] of segment.values(tag)) if (segment.isLive(number)) return true;
  return false;
}
