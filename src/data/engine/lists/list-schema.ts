import { must } from '../../../base/assert.ts';
import { compareUtf8 } from '../../../base/compare-utf8.ts';
import { sortTexts, uniteTexts } from '../../../base/sort-texts.ts';
import { HyperLogLog } from '../../../base/collections/hyper-log-log.ts';
import { candidateSeries } from '../../../query/exec/series/candidate-series.ts';
import { tagCandidates } from '../../../query/exec/series/tag-candidates.ts';
import { sortedNames } from '../../../query/compile/schema.ts';
import {
  looksWithin,
  specialize,
  tagTermsPerPause,
  type MatcherFactory,
  type Predicate,
} from '../../../query/predicate.ts';
import type { SeriesIds, ShardSource } from '../../../query/source.ts';
import type { ListedMeasurement, ListPiece, ListRequest } from './schema-list.ts';

const pieceTextsMax = 4_096;
/** The same of series that a predicate is asked of: a pattern takes tens of microseconds to meet a long value. */
const judgedSeriesCount = 16;

/** The lists of a request, piece by piece; undefined is a place to rest at. */
export function* listSchema(
  shards: readonly ListedShard[],
  { of, measurements }: ListRequest,
  matcher: MatcherFactory,
): Generator<ListPiece | undefined> {
  if (of === 'whole-sketch') yield* sketchOfAll({ at: 0, shards });
  for (const [at, measurement] of measurements.entries()) {
    const lister: Lister = { at, shards, measurement, matcher };
    switch (of) {
      case 'series':
        yield* listSeries(lister);
        break;
      case 'tag-keys':
        yield* listTagKeys(lister);
        break;
      case 'tag-values':
        yield* measurement.predicate === undefined
          ? listAllTagValues(lister)
          : listTagValuesOf(lister);
        break;
      case 'field-types':
        yield* listFieldTypes(lister);
        break;
      case 'series-sketch':
        yield* measurement.predicate === undefined
          ? sketchOfAll(lister, measurement.name)
          : sketchPassing(lister);
        break;
      case 'whole-sketch':
        break;
    }
  }
}

/** A shard that knows how many series it has without a look at them. */
export interface ListedShard extends ShardSource {
  /** Adds those of a measurement, or all, step by step. */
  sketchSeries(into: HyperLogLog, measurement?: string): Generator<undefined>;
}

interface Lister {
  readonly at: number;
  readonly shards: readonly ListedShard[];
  readonly measurement: ListedMeasurement;
  readonly matcher: MatcherFactory;
}

/** Whether a series passes. A predicate that the candidates meet by being candidates is not asked again. */
function judgeOf({ measurement, matcher }: Lister): (tags: () => Tags) => boolean {
  const { predicate } = measurement;
  if (predicate === undefined || isEquality(predicate)) return () => true;
  return (tags) => specialize(predicate, tags(), matcher) !== false;
}

function judgedPerPause({ measurement: { predicate } }: Lister): number {
  return looksWithin(tagTermsPerPause, predicate, judgedSeriesCount);
}

type Tags = ReadonlyMap<string, string>;

/** One tag compared with values, which is what tagCandidates() finds the series by. */
function isEquality(predicate: Predicate): boolean {
  if (predicate.kind === 'or') return isEquality(predicate.left) && isEquality(predicate.right) && tagCandidates(predicate) !== undefined; // prettier-ignore
  return predicate.kind === 'compare' && tagCandidates(predicate) !== undefined;
}

/** Those that the index cannot rule out, in order of their keys. */
function candidatesOf(
  shard: ShardSource,
  { measurement, matcher }: Lister,
): Generator<undefined, SeriesIds> {
  const { name, predicate } = measurement;
  return candidateSeries(shard, { measurement: name, predicate }, matcher);
}

/** The series that pass, shard after shard: a series of two shards comes twice. */
function* passing(lister: Lister): Generator<{ shard: ShardSource; id: number } | undefined> {
  const passes = judgeOf(lister);
  const perPause = judgedPerPause(lister);
  for (const shard of lister.shards)
    for (const [i, id] of (yield* candidatesOf(shard, lister)).entries()) {
      if (i % perPause === perPause - 1) yield undefined;
      if (passes(() => shard.series(id).tags)) yield { shard, id };
    }
}

/** The sorted list of one shard, and where its reader is. */
interface Head {
  readonly shard: ShardSource;
  readonly ids: SeriesIds;
  next: number;
  key: string;
}

function advance(head: Head): boolean {
  const id = head.ids[++head.next];
  if (id === undefined) return false;
  head.key = head.shard.seriesKey(id);
  return true;
}

/** The sorted lists of the shards run side by side: a series of many shards is given and judged once. */
function* listSeries(lister: Lister): Generator<ListPiece | undefined> {
  const { at, measurement } = lister;
  const { textsMax = Infinity } = measurement;
  const passes = judgeOf(lister);
  const perPause = judgedPerPause(lister);
  let heads: Head[] = [];
  for (const shard of lister.shards) {
    const ids = yield* candidatesOf(shard, lister);
    const [first] = ids;
    if (first !== undefined) heads.push({ shard, ids, next: 0, key: shard.seriesKey(first) });
  }
  let texts: string[] = [];
  let leftCount = textsMax;
  for (let count = 1; heads.length > 0 && leftCount > 0; count++) {
    if (count % perPause === 0) yield undefined;
    const { key, shard, ids, next } = leastOf(heads);
    const id = ids[next] ?? 0;
    let hasEnded = false;
    for (const head of heads) if (head.key === key && !advance(head)) hasEnded = true;
    if (hasEnded) heads = heads.filter((head) => head.next < head.ids.length);
    if (!passes(() => shard.series(id).tags)) continue;
    texts.push(key);
    leftCount--;
    if (texts.length < pieceTextsMax) continue;
    yield { at, key: '', texts };
    texts = [];
  }
  if (texts.length > 0) yield { at, key: '', texts };
}

/** As it is now: the next step changes it. */
function leastOf(heads: readonly Head[]): Head {
  let least: Head | undefined;
  for (const head of heads)
    if (least === undefined || compareUtf8(head.key, least.key) < 0) least = head;
  return { ...must(least, 'a list that has not ended has a series') };
}

function* listTagKeys(lister: Lister): Generator<ListPiece | undefined> {
  const keys = new Set<string>();
  for (const one of passing(lister)) {
    if (one === undefined) yield undefined;
    else for (const key of one.shard.series(one.id).tags.keys()) keys.add(key);
  }
  yield* pieces(lister.at, '', keys);
}

/** By postings alone. */
function* listAllTagValues({ at, shards, measurement }: Lister): Generator<ListPiece | undefined> {
  const { textsMax = Infinity } = measurement;
  for (const key of measurement.tagKeys ?? []) {
    const runs: (readonly string[])[] = [];
    for (const shard of shards) {
      let run: string[] = [];
      for (const list of shard.tagValueLists(measurement.name, key)) {
        yield undefined;
        const sorted = yield* sortTexts(list);
        const [first] = sorted;
        // Those of a segment of the index go on where they were.
        if (first !== undefined && run.length > 0 && compareUtf8(run[run.length - 1] ?? '', first) >= 0) {
          runs.push(run);
          yield* uniteLast(runs, { ratioMin: 2 });
          run = [];
        } // prettier-ignore
        for (const value of sorted) run.push(value);
      }
      runs.push(run);
      yield* uniteLast(runs, { ratioMin: 2 });
    }
    yield* uniteLast(runs, { ratioMin: Infinity });
    const [all = []] = runs;
    yield* sortedPieces(at, key, all.length > textsMax ? all.slice(0, textsMax) : all);
  }
}

/**
 * Unites the last lists until each is so many times as long as the next: shards of the same values become one list at once, and
 * those of others are not gone through again with each shard.
 */
function* uniteLast(
  lists: (readonly string[])[],
  { ratioMin }: { readonly ratioMin: number },
): Generator<undefined, void> {
  for (;;) {
    const [left, right] = lists.slice(-2);
    if (left === undefined || right === undefined) return;
    if (right.length > 0 && left.length >= right.length * ratioMin) return;
    lists.splice(-2, 2, yield* uniteTexts(left, right));
  }
}

function* listTagValuesOf(lister: Lister): Generator<ListPiece | undefined> {
  const found = new Map((lister.measurement.tagKeys ?? []).map((key) => [key, new Set<string>()]));
  for (const one of passing(lister)) {
    if (one === undefined) {
      yield undefined;
      continue;
    }
    const { tags } = one.shard.series(one.id);
    for (const [key, values] of found) {
      const value = tags.get(key);
      if (value !== undefined) values.add(value);
    }
  }
  for (const [key, values] of found) yield* pieces(lister.at, key, values);
}

function* listFieldTypes({ at, shards, measurement }: Lister): Generator<ListPiece | undefined> {
  const byType = new Map<string, Set<string>>();
  for (const shard of shards) {
    yield undefined;
    for (const { name, type } of shard.fields(measurement.name)) {
      const names = byType.get(type) ?? new Set();
      byType.set(type, names.add(name));
    }
  }
  for (const type of sortedNames(byType.keys()))
    yield* pieces(at, type, byType.get(type) ?? new Set());
}

/** Of a measurement, or of all there are. */
function* sketchOfAll(
  { at, shards }: Pick<Lister, 'at' | 'shards'>,
  measurement?: string,
): Generator<ListPiece | undefined> {
  const sketch = new HyperLogLog();
  for (const shard of shards) yield* shard.sketchSeries(sketch, measurement);
  yield { at, key: '', texts: [], sketch: sketch.pack() };
}

function* sketchPassing(lister: Lister): Generator<ListPiece | undefined> {
  const sketch = new HyperLogLog();
  for (const one of passing(lister)) {
    if (one === undefined) yield undefined;
    else sketch.add(one.shard.seriesKey(one.id));
  }
  yield { at: lister.at, key: '', texts: [], sketch: sketch.pack() };
}

function* pieces(
  at: number,
  key: string,
  texts: ReadonlySet<string>,
): Generator<ListPiece | undefined> {
  yield* sortedPieces(at, key, yield* sortTexts([...texts]));
}

function* sortedPieces(at: number, key: string, sorted: readonly string[]): Generator<ListPiece> {
  for (let start = 0; start < sorted.length; start += pieceTextsMax)
    yield { at, key, texts: sorted.slice(start, start + pieceTextsMax) };
}
