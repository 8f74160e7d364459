/**
 * Lists of a request as bytes, straight from the indexes of shards: nothing is made for a measurement, or for a text, but its
 * bytes. What only some series have by a condition is listed the other way (list-schema.ts), and packed.
 */
import { compareBytes, TextPile } from '../../../base/text-pile.ts';
import type { MatcherFactory } from '../../../query/predicate.ts';
import type { SeriesIds } from '../../../query/source.ts';
import { listSchema, type ListedShard } from './list-schema.ts';
import type { ListPacker } from './packed-list.ts';
import type { ListedMeasurement, ListRequest } from './schema-list.ts';

/** What is asked for as bytes. */
export type PackedRequest = ListRequest & {
  readonly of: 'series' | 'tag-values' | 'field-types';
};

/** A request, or its text (list-request-text.ts). */
export type PackedBody = PackedRequest | string;

/** Of a shard: lists are added to a pile in its order, or in several runs that settle() puts in order. */
export interface PackedShard extends ListedShard {
  /** The values of a tag. */
  tagValuesInto(measurement: string, tagKey: string, pile: TextPile): Generator<undefined, void>;
  /** Adds the key of a series. */
  seriesKeyInto(seriesId: number, pile: TextPile): void;
}

/** Texts of a run that is not whole. */
const runTextsMax = 4_096;
/** Keys that are looked at between two chances to rest. */
const keysAtOnce = 256;

interface Packing {
  readonly packer: ListPacker;
  readonly matcher: MatcherFactory;
}

/** The lists of all measurements, in their order, as runs of `packer`; what it yields is a place to rest at. */
export function* packLists(
  shards: readonly PackedShard[],
  request: PackedRequest,
  packing: Packing,
): Generator<undefined, void> {
  const { of, measurements } = request;
  const { packer, matcher } = packing;
  for (let at = 0; at < measurements.length; at++) {
    const measurement = measurements[at] as ListedMeasurement;
    if (measurement.predicate !== undefined) {
      const own = { ...request, measurements: [measurement] };
      for (const piece of listSchema(shards, own, matcher)) {
        for (const text of piece?.texts ?? []) packer.pile.addText(text);
        packer.endRun(at, piece?.key ?? '');
        yield undefined;
      }
      continue;
    }
    const placed = { at, measurement };
    if (of === 'tag-values') yield* packTagValues(shards, placed, packing);
    else if (of === 'series') yield* packSeries(shards, placed, packing);
    else yield* packFieldTypes(shards, placed, packing);
    yield undefined;
  }
}

interface Placed {
  readonly at: number;
  readonly measurement: ListedMeasurement;
}

function* packTagValues(
  shards: readonly PackedShard[],
  { at, measurement: { name, tagKeys = [], textsMax } }: Placed,
  { packer }: Packing,
): Generator<undefined, void> {
  for (const key of tagKeys) {
    for (const shard of shards) yield* shard.tagValuesInto(name, key, packer.pile);
    yield* endRun(packer, { at, key, textsMax });
  }
}

/** In order of the types' names. */
function* packFieldTypes(
  shards: readonly PackedShard[],
  { at, measurement }: Placed,
  { packer }: Packing,
): Generator<undefined, void> {
  const byType = new Map<string, string[]>();
  for (const shard of shards)
    for (const { name, type } of shard.fields(measurement.name)) {
      const names = byType.get(type);
      if (names === undefined) byType.set(type, [name]);
      else names.push(name);
    }
  for (const type of byType.size > 1 ? [...byType.keys()].sort() : byType.keys()) {
    for (const name of byType.get(type) ?? []) packer.pile.addText(name);
    yield* endRun(packer, { at, key: type });
  }
}

interface Run {
  readonly at: number;
  readonly key: string;
  readonly textsMax?: number | undefined;
}

function* endRun(packer: ListPacker, { at, key, textsMax }: Run): Generator<undefined, void> {
  const steps = packer.pile.settle();
  if (steps !== undefined) yield* steps;
  packer.endRun(at, key, textsMax);
}

function* packSeries(
  shards: readonly PackedShard[],
  { at, measurement: { name, textsMax = Infinity } }: Placed,
  { packer }: Packing,
): Generator<undefined, void> {
  const heads: Head[] = [];
  for (const shard of shards) {
    const ids = yield* shard.seriesIds(name);
    if (ids.length > 0) heads.push({ shard, ids, next: 0, key: new TextPile(0) });
  }
  const [only, ...others] = heads;
  if (only === undefined) return;
  const { pile } = packer;
  const lists = others.length === 0 ? undefined : new MergedKeys(heads);
  const countMax = lists === undefined ? Math.min(only.ids.length, textsMax) : textsMax;
  for (let count = 1; count <= countMax; count++) {
    if (lists === undefined) only.shard.seriesKeyInto(only.ids[count - 1] ?? 0, pile);
    else if (!lists.takeLeast(pile)) break;
    if (count % keysAtOnce !== 0) continue;
    // They are in order as they are.
    if (packer.openCount >= runTextsMax) yield* endRun(packer, { at, key: '' });
    yield undefined;
  }
  yield* endRun(packer, { at, key: '' });
}

/** The ordered series of a shard, and the key of the one that is next. */
interface Head {
  readonly shard: PackedShard;
  readonly ids: SeriesIds;
  next: number;
  readonly key: TextPile;
}

/** Lists of several shards side by side: a series of many of them is given once. */
class MergedKeys {
  #heads: readonly Head[];

  constructor(heads: readonly Head[]) {
    this.#heads = heads;
    for (const head of heads) advance(head);
  }

  /** False when there is none. */
  takeLeast(pile: TextPile): boolean {
    const heads = this.#heads;
    let least = heads[0];
    if (least === undefined) return false;
    for (const head of heads) if (order(head, least) < 0) least = head;
    pile.add(least.key.bytes, 0, least.key.lengthBytes);
    let hasEnded = false;
    for (const head of heads)
      if (head !== least && order(head, least) === 0 && !advance(head)) hasEnded = true;
    if (!advance(least)) hasEnded = true;
    if (hasEnded) this.#heads = heads.filter(({ key }) => key.count > 0);
    return true;
  }
}

function order({ key: left }: Head, { key: right }: Head): number {
  return compareBytes(left.bytes, { start: 0, end: left.lengthBytes }, right.bytes, { start: 0, end: right.lengthBytes }); // prettier-ignore
}

function advance(head: Head): boolean {
  const { shard, ids, key } = head;
  key.clear();
  if (head.next >= ids.length) return false;
  shard.seriesKeyInto(ids[head.next++] ?? 0, key);
  return true;
}
