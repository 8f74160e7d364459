/** The series of one shard that a condition on tags picks out of a measurement. */
import { listedSeries } from '../../query/exec/series/candidate-series.ts';
import {
  looksWithin,
  specialize,
  tagTermsPerPause,
  type MatcherFactory,
} from '../../query/predicate.ts';
import type { ShardSource } from '../../query/source.ts';
import type { ListedMeasurement } from './lists/schema-list.ts';

/** So many series are looked at between two chances to rest: a pattern takes tens of microseconds to meet a long value. */
const restSeriesCount = 16;

/**
 * The ids of series that pass, in order of their keys; undefined is a place to rest at. No key is looked at where lists of the
 * index tell.
 */
export function* passingSeries(
  shard: ShardSource,
  { name: measurement, predicate }: ListedMeasurement,
  matcher: MatcherFactory,
): Generator<number | undefined> {
  const { ids, isExact } = yield* listedSeries(shard, { measurement, predicate }, matcher);
  const perPause = looksWithin(tagTermsPerPause, predicate, restSeriesCount);
  for (let i = 0; i < ids.length; i++) {
    if (i % perPause === perPause - 1) yield undefined;
    const id = ids[i] ?? 0;
    if (isExact || specialize(predicate, shard.series(id).tags, matcher) !== false) yield id;
  }
}
