import { predicateFields, specialize, type MatcherFactory, type Predicate } from '../predicate.ts';
import { compareGroups, type Fragment, type GroupKey } from '../fragment.ts';
import type { ShardSource, SourceSeries } from '../source.ts';

/** A series that takes part, with what is left of the predicate once its tags are known. */
export interface MemberSeries {
  readonly source: ShardSource;
  readonly seriesId: number;
  readonly series: SourceSeries;
  readonly residual: Predicate | undefined;
  readonly residualFields: readonly string[];
}

export interface Group {
  readonly key: GroupKey;
  readonly members: readonly MemberSeries[];
}

/** The fragment's series by group, groups in the reference's order (which follows the direction of time), members by shard and then by series key. */
export function groupSeries(
  fragment: Fragment,
  sources: readonly ShardSource[],
  matcher: MatcherFactory,
): readonly Group[] {
  const groups = new Map<string, { key: string[]; members: MemberSeries[] }>();
  for (const source of sources) {
    for (const seriesId of source.seriesIds(fragment.measurement)) {
      const series = source.series(seriesId);
      const residual = specialize(fragment.predicate, series.tags, matcher);
      if (residual === false) continue;
      const key = fragment.groupBy.map((tag) => series.tags.get(tag) ?? '');
      const identity = JSON.stringify(key);
      let group = groups.get(identity);
      if (group === undefined) {
        group = { key, members: [] };
        groups.set(identity, group);
      }
      const residualFields = predicateFields(residual);
      group.members.push({ source, seriesId, series, residual, residualFields });
    }
  }
  const sign = fragment.ascending ? 1 : -1;
  return [...groups.values()].sort((a, b) => sign * compareGroups(a.key, b.key));
}
