/** Times of parts of a shard. */
import type { TimeBounds } from './memtable/shape-table.ts';

/** Of both; undefined where neither has any. */
export function united(
  all: TimeBounds | undefined,
  one: TimeBounds | undefined,
): TimeBounds | undefined {
  if (all === undefined || one === undefined) return all ?? one;
  const isFirst = one.minTimeNs < all.minTimeNs;
  const isLast = one.maxTimeNs > all.maxTimeNs;
  if (!isFirst && !isLast) return all;
  if (isFirst && isLast) return one;
  return isFirst ? { minTimeNs: one.minTimeNs, maxTimeNs: all.maxTimeNs } : { minTimeNs: all.minTimeNs, maxTimeNs: one.maxTimeNs }; // prettier-ignore
}

/** Whether they may have a time in common. */
export function isWithin(bounds: TimeBounds, { minTimeNs, maxTimeNs }: TimeBounds): boolean {
  return bounds.minTimeNs <= maxTimeNs && bounds.maxTimeNs >= minTimeNs;
}
