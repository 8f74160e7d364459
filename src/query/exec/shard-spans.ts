import type { ShardSource } from '../source.ts';

interface Bounded {
  readonly source: ShardSource;
  readonly minTimeNs: bigint;
  readonly maxTimeNs: bigint;
}

/**
 * Shards in lists whose times do not overlap those of another list, in the direction of time: all rows of a list come
 * before those of the next one. Within a list the order is that of `sources`; shards without points are left out.
 */
export function spansOf(
  sources: readonly ShardSource[],
  ascending: boolean,
): readonly (readonly ShardSource[])[] {
  const bounded = sources.flatMap((source): Bounded[] => {
    const bounds = source.timeBounds();
    return bounds === undefined ? [] : [{ source, ...bounds }];
  });
  bounded.sort((a, b) => (a.minTimeNs < b.minTimeNs ? -1 : 1));
  const spans: { readonly sources: Set<ShardSource>; maxTimeNs: bigint }[] = [];
  for (const { source, minTimeNs, maxTimeNs } of bounded) {
    const last = spans[spans.length - 1];
    if (last === undefined || minTimeNs > last.maxTimeNs)
      spans.push({ sources: new Set([source]), maxTimeNs });
    else {
      last.sources.add(source);
      if (maxTimeNs > last.maxTimeNs) last.maxTimeNs = maxTimeNs;
    }
  }
  if (!ascending) spans.reverse();
  return spans.map((span) => sources.filter((source) => span.sources.has(source)));
}
