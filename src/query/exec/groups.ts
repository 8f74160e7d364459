import { DbError } from '../../base/errors.ts';
import {
  looksWithin,
  tagTermsPerPause,
  type MatcherFactory,
  type Predicate,
} from '../predicate.ts';
import { SeriesPredicates } from '../series-predicates.ts';
import { compareGroups, type Fragment, type GroupKey } from '../fragment.ts';
import type { ShardSource, SourceSeries } from '../source.ts';
import { inKeyOrder } from './series/key-order.ts';
import { listedSeries } from './series/candidate-series.ts';

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

/** What was found of a fragment before, over the same sources: another one that asks for the same series need not look for them. */
export interface FoundGroups {
  readonly of: Pick<Fragment, 'measurement' | 'predicate' | 'groupBy' | 'ascending'>;
  readonly groups: readonly Group[];
}

/** Of a FragmentContext, what is asked while groups are looked for. */
export interface GroupsContext {
  readonly matcher: MatcherFactory;
  readonly found?: FoundGroups | undefined;
  check(): void;
  /** What the keys of groups take; given back by whoever has no more use for them. */
  chargeGroups(bytes: number): void;
}

/** Undefined where it is not what was found. */
export function groupsOf(
  found: FoundGroups | undefined,
  fragment: FoundGroups['of'],
): readonly Group[] | undefined {
  const { of, groups } = found ?? {};
  const isSame = of?.measurement === fragment.measurement && of.predicate === fragment.predicate && of.groupBy === fragment.groupBy && of.ascending === fragment.ascending; // prettier-ignore
  return isSame ? groups : undefined;
}

/** Its texts are made whenever they are asked for, those of the first members excepted: those of millions would be most of what a query takes. */
class Member implements MemberSeries {
  readonly source: ShardSource;
  readonly seriesId: number;
  readonly residual: Predicate | undefined;
  readonly residualFields: readonly string[];
  readonly #series: SourceSeries | undefined;

  constructor(
    source: ShardSource,
    seriesId: number,
    of: Pick<Member, 'residual' | 'residualFields'> & { readonly series: SourceSeries | undefined },
  ) {
    // prettier-ignore
    this.source = source;
    this.seriesId = seriesId;
    this.residual = of.residual;
    this.residualFields = of.residualFields;
    this.#series = of.series;
  }

  get series(): SourceSeries {
    return this.#series ?? this.source.series(this.seriesId);
  }
}

const noFields: readonly string[] = [];

/** Millions of series take seconds, and so do thousands under a predicate of many patterns. */
const seriesPerPause = 64;
const tagsPerPause = 1 << 16;
const groupsPerPause = 4_096;

/** Of an object with its list of members and its place in a table; texts are there twice, as they are and as what tells groups apart. */
const groupBytes = 200;
const pointerBytes = 8;
/** So many of a shard keep what was read of their keys: some hundred bytes each, for whoever asks for their tags again. */
const keptSeriesMax = 16_384;
/** At the least: ten million series of a shard are still a query. */
const memberBytes = 48;

/** The fragment's series by group, groups in the reference's order (which follows the direction of time), members by series key, both in the direction of time: rows of equal time stand in that order. undefined is a pause, where others may run. */
export function* groupSeries(
  fragment: Fragment,
  sources: readonly ShardSource[],
  context: GroupsContext,
): Generator<undefined, readonly Group[]> {
  const known = groupsOf(context.found, fragment);
  if (known !== undefined) return known;
  // Without tags there is one group at the most.
  const alone: OpenGroup = { key: [], members: [] };
  const groups = fragment.groupBy.length === 0 ? undefined : new Map<string, OpenGroup>();
  const { seriesMax = 0, predicate, groupBy } = fragment;
  const { matcher } = context;
  const tagged = Math.max(1, Math.min(seriesPerPause, Math.floor(tagsPerPause / groupBy.length)));
  const looksPerPause = looksWithin(tagTermsPerPause, predicate, tagged);
  let predicates: SeriesPredicates | undefined;
  for (const source of sources) {
    let count = 0;
    let looked = 0;
    const { ids, isExact } = yield* listedSeries(source, fragment, matcher);
    // What the lists of the index have told of a series is not asked of its tags again.
    if (!isExact && predicate !== undefined)
      predicates ??= new SeriesPredicates(predicate, matcher);
    const asked = isExact ? undefined : predicates;
    const needsTags = asked !== undefined || groupBy.length > 0;
    let charged = 0;
    for (const seriesId of ids) {
      if (++looked % looksPerPause === 0) {
        context.check();
        context.chargeGroups((count - charged) * memberBytes);
        charged = count;
        yield undefined;
      }
      const series = needsTags ? source.series(seriesId) : undefined;
      const residual =
        series === undefined || asked === undefined
          ? undefined
          : asked.of({ get: (tag) => series.tag(tag) });
      if (residual === false) continue;
      if (++count > seriesMax && seriesMax > 0)
        throw new DbError('limit_exceeded', `max-select-series limit exceeded: (${count}/${seriesMax})`); // prettier-ignore
      const group = groups === undefined ? alone : groupOf(groups, groupBy.map((tag) => series?.tag(tag) ?? ''), context); // prettier-ignore
      const residualFields = (residual && predicates?.fieldsOf(residual)) ?? noFields;
      group.members.push(
        new Member(source, seriesId, {
          series: count > keptSeriesMax ? undefined : series,
          residual,
          residualFields,
        }),
      );
    }
    context.chargeGroups((count - charged) * memberBytes);
  }
  const sign = fragment.ascending ? 1 : -1;
  const ordered = groups === undefined ? [alone].filter(({ members }) => members.length > 0) : [...groups.values()].sort((a, b) => sign * compareGroups(a.key, b.key)); // prettier-ignore
  // Each shard's series come in the order of their keys already.
  if (sources.length < 2 && fragment.ascending) return ordered;
  const inOrder: Group[] = [];
  for (const { key, members } of ordered) {
    const byKey = members.length < 2 ? members : yield* inKeyOrder(members, fragment.ascending);
    inOrder.push({ key, members: byKey });
    if (inOrder.length % groupsPerPause === 0) yield undefined;
  }
  return inOrder;
}

interface OpenGroup {
  readonly key: GroupKey;
  readonly members: MemberSeries[];
}

function groupOf(groups: Map<string, OpenGroup>, key: GroupKey, context: GroupsContext): OpenGroup {
  const identity = key.length === 1 ? (key[0] ?? '') : JSON.stringify(key);
  let group = groups.get(identity);
  if (group === undefined) {
    context.chargeGroups(groupBytes + key.length * pointerBytes + 2 * identity.length);
    groups.set(identity, (group = { key, members: [] }));
  }
  return group;
}
