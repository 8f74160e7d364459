/** Ranges of time that are deleted of one key: ascending, apart from each other, bounds inclusive. */
import type { TimeRange } from './tombstones.ts';

/** With one more; what touches or overlaps becomes one. */
export function withRange(ranges: readonly TimeRange[], added: TimeRange): readonly TimeRange[] {
  const before: TimeRange[] = [];
  const after: TimeRange[] = [];
  let { minTimeNs, maxTimeNs } = added;
  for (const range of ranges) {
    // One apart is touching: times are whole nanoseconds.
    if (range.maxTimeNs < minTimeNs - 1n) before.push(range);
    else if (range.minTimeNs > maxTimeNs + 1n) after.push(range);
    else {
      if (range.minTimeNs < minTimeNs) minTimeNs = range.minTimeNs;
      if (range.maxTimeNs > maxTimeNs) maxTimeNs = range.maxTimeNs;
    }
  }
  return [...before, { minTimeNs, maxTimeNs }, ...after];
}

export function covers(ranges: readonly TimeRange[], { minTimeNs, maxTimeNs }: TimeRange): boolean {
  return ranges.some((range) => range.minTimeNs <= minTimeNs && range.maxTimeNs >= maxTimeNs);
}

/** Half-open spans of rows that are left, ascending; `timesNs` ascends. */
export function keptSpans(
  count: number,
  timeNs: (row: number) => bigint,
  ranges: readonly TimeRange[],
): readonly (readonly [start: number, end: number])[] {
  const spans: [number, number][] = [];
  let start = 0;
  for (const { minTimeNs, maxTimeNs } of ranges) {
    const from = firstRow(count, (row) => timeNs(row) >= minTimeNs);
    const to = firstRow(count, (row) => timeNs(row) > maxTimeNs);
    if (from > start) spans.push([start, from]);
    start = Math.max(start, to);
  }
  if (start < count) spans.push([start, count]);
  return spans;
}

function firstRow(count: number, holds: (row: number) => boolean): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (holds(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}
