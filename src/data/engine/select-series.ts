/** The series of one shard that a condition on tags picks out of a measurement. */
import { candidateSeries } from '../../query/exec/series/candidate-series.ts';
import { specialize, type MatcherFactory } from '../../query/predicate.ts';
import type { ShardSource } from '../../query/source.ts';
import type { ListedMeasurement } from './lists/schema-list.ts';

/** So many series are looked at between two chances to rest: a pattern takes tens of microseconds to meet a long value. */
const restSeriesCount = 16;

/** The series that pass, in order of their keys; undefined is a place to rest at. */
export function* passingSeries(
  shard: ShardSource,
  measurement: ListedMeasurement,
  matcher: MatcherFactory,
): Generator<PassingSeries | undefined> {
  const asked = { measurement: measurement.name, predicate: measurement.predicate };
  for (const [i, id] of (yield* candidateSeries(shard, asked, matcher)).entries()) {
    if (i % restSeriesCount === restSeriesCount - 1) yield undefined;
    const series = shard.series(id);
    if (specialize(measurement.predicate, series.tags, matcher) !== false) yield { ...series, id };
  }
}

export interface PassingSeries {
  readonly id: number;
  readonly key: string;
  readonly tags: ReadonlyMap<string, string>;
}
