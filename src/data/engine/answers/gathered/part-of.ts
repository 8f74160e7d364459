import type { FeedPlan, LevelPlan, ScanPart, ScanPlan } from '../../../../query/plan/level-plan.ts';

/**
 * The one part of a plan, where all that it reads of shards is blocks of one fragment: those of several nodes are one stream from
 * each of them. Undefined for any other plan, and for one that lists series beside its blocks.
 */
export function partOf({ feeds, refusals }: LevelPlan): ScanPart | undefined {
  const [feed, ...others] = feeds;
  if (feed === undefined || others.length > 0 || refusals.length > 0) return undefined;
  const scan = scanOf(feed);
  if (scan === undefined || scan.seriesLimit > 0 || scan.seriesOffset > 0) return undefined;
  const [found, ...more] = scan.names;
  const [part, ...parts] = found?.parts ?? [];
  return more.length === 0 && parts.length === 0 ? part : undefined;
}

function scanOf(feed: FeedPlan): ScanPlan | undefined {
  if (feed.kind === 'windows') return feed.scan;
  const [source, ...others] = feed.sources;
  return source?.kind === 'scan' && others.length === 0 ? source.scan : undefined;
}
