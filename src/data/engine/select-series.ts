/** The series of one shard that a condition on tags picks out of a measurement. */
import { tagCandidates } from '../../query/exec/tag-candidates.ts';
import { specialize, type MatcherFactory } from '../../query/predicate.ts';
import type { SeriesIds, ShardSource } from '../../query/source.ts';
import type { ListedMeasurement } from './schema-list.ts';

/** So many series are looked at between two chances to rest. */
const restSeriesCount = 256;

/** Those that the index cannot rule out, in order of their keys. */
export function candidateSeries(
  shard: ShardSource,
  { name, predicate }: ListedMeasurement,
): SeriesIds {
  const found = tagCandidates(predicate);
  return found === undefined
    ? shard.seriesIds(name)
    : shard.seriesIdsWith(name, found.key, found.values);
}

/** The series that pass, in order of their keys; undefined is a place to rest at. */
export function* passingSeries(
  shard: ShardSource,
  measurement: ListedMeasurement,
  matcher: MatcherFactory,
): Generator<PassingSeries | undefined> {
  for (const [i, id] of candidateSeries(shard, measurement).entries()) {
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
