import { compareUtf8 } from '../../base/compare-utf8.ts';
import type { OutputSeries } from '../emit/result.ts';
import type { GroupKey } from '../fragment.ts';
import type { GroupMerge } from './merge-groups.ts';

/** SLIMIT and SOFFSET, over the groups of one measurement (spec 6.3). */
export interface GroupPaging {
  readonly groupBy: readonly string[];
  /** 0 means no limit; then an offset leaves nothing, as in the reference. */
  readonly seriesLimit: number;
  readonly seriesOffset: number;
}

interface Held {
  readonly key: string;
  readonly arrival: number;
  readonly pieces: readonly OutputSeries[];
}

/**
 * The series that `read` makes of each group on the page, in the order of groups. Pages are counted in another order, the
 * reference's of tag sets: by the tags that are there, then by their values. A group counts even if LIMIT leaves none of
 * its rows. Held at once are no more groups than the page's end says.
 */
export async function* pageGroups<Block extends { readonly group: GroupKey }>(
  merge: GroupMerge<Block>,
  paging: GroupPaging,
  read: (group: GroupKey) => AsyncIterable<OutputSeries>,
): AsyncGenerator<OutputSeries> {
  const { seriesLimit, seriesOffset } = paging;
  const isPaged = seriesLimit > 0 || seriesOffset > 0;
  if (isPaged && seriesLimit === 0) return;
  let held: Held[] = [];
  let arrival = 0;
  for (let group = await merge.next(); group !== undefined; group = await merge.next()) {
    if (isPaged) {
      const pieces: OutputSeries[] = [];
      for await (const piece of read(group)) pieces.push(piece);
      held.push({ key: tagSetKey(paging.groupBy, group), arrival: arrival++, pieces });
      held.sort((a, b) => compareUtf8(a.key, b.key));
      held = held.slice(0, seriesOffset + seriesLimit);
    } else yield* read(group);
    await merge.skip(group);
  }
  const page = held.slice(seriesOffset).sort((a, b) => a.arrival - b.arrival);
  for (const { pieces } of page) yield* pieces;
}

function tagSetKey(groupBy: readonly string[], group: GroupKey): string {
  const present = groupBy.flatMap((name, i) => (group[i] ? [{ name, value: group[i] }] : []));
  return [...present.map(({ name }) => name), ...present.map(({ value }) => value)].join('|');
}
