/** Which SELECTs can be answered in chunks that know nothing of each other. */
import { notesOn } from '../../../../base/notes.ts';
import type { Fragment } from '../../../../query/fragment.ts';
import type { FeedPlan, LevelPlan, ScanPart } from '../../../../query/plan/level-plan.ts';

/** Cut by groups, each of which is read whole; or by time, of rows that are shown as they are stored. */
export interface ShareablePlan {
  readonly kind: 'groups' | 'times';
  /** What is read, all of it of the same series. */
  readonly fragments: readonly [Fragment, ...Fragment[]];
}

const known = notesOn<LevelPlan, ShareablePlan | 'none'>();

/**
 * Undefined where chunks would have to know of each other: several measurements, subqueries, limits of series, rows without tags
 * of which calls, a limit or fill(previous) make something.
 */
export function shareablePlan(plan: LevelPlan): ShareablePlan | undefined {
  let found = known.of(plan);
  if (found === undefined) known.keep(plan, (found = looked(plan) ?? 'none'));
  return found === 'none' ? undefined : found;
}

function looked(plan: LevelPlan): ShareablePlan | undefined {
  const { feeds, calls, fill, limit, offset, refusals, tags, outerTags } = plan;
  const [part, ...others] = feeds.map(onlyPart);
  if (part === undefined || refusals.length > 0) return undefined;
  const fragments: [Fragment, ...Fragment[]] = [part.fragment];
  for (const other of others) {
    if (other?.found !== part.found || !isOfSameGroups(other.fragment, part.fragment)) return undefined; // prettier-ignore
    fragments.push(other.fragment);
  }
  const { groupBy, task } = part.fragment;
  if (groupBy.length > 0) {
    const isPlain = [tags, outerTags].every((of) => of.join('\0') === groupBy.join('\0'));
    return isPlain ? { kind: 'groups', fragments } : undefined;
  }
  // fill(previous) shows what the row before had, which may be another chunk's.
  const isApart = limit === 0 && offset === 0 && fill.kind !== 'previous';
  const isWhole = calls.length === 0 && isApart;
  if (!isWhole || others.length > 0 || task.kind !== 'rows' || task.rowsMax > 0) return undefined;
  return { kind: 'times', fragments };
}

/** The one measurement of a feed that shards are read for. */
function onlyPart(feed: FeedPlan): ScanPart | undefined {
  const scan = feed.kind === 'windows' ? feed.scan : onlyScan(feed);
  if (scan === undefined || scan.seriesLimit > 0 || scan.seriesOffset > 0) return undefined;
  const [name, ...names] = scan.names;
  const [part, ...parts] = name?.parts ?? [];
  return names.length === 0 && parts.length === 0 ? part : undefined;
}

function onlyScan({ sources }: Extract<FeedPlan, { kind: 'rows' }>) {
  const [source, ...others] = sources;
  return source?.kind === 'scan' && others.length === 0 ? source.scan : undefined;
}

function isOfSameGroups(a: Fragment, b: Fragment): boolean {
  return (
    a.measurement === b.measurement &&
    a.minTimeNs === b.minTimeNs &&
    a.maxTimeNs === b.maxTimeNs &&
    a.ascending === b.ascending &&
    a.groupBy.join('\0') === b.groupBy.join('\0')
  );
}
