import type { Column, ColumnType } from '../column.ts';
import { cellValue } from '../exec/columns/column-builder.ts';
import type { SummaryPart, WindowSummary } from '../fragment.ts';
import type { Value } from '../predicate.ts';

/** The functions that a window summary answers, from whichever shards it was merged. */
type MergedName = 'count' | 'sum' | 'mean' | 'min' | 'max' | 'first' | 'last' | 'spread';
/** Those that it answers where all rows were at hand when it was made. */
type RankedName = 'median' | 'percentile';
export type CallName = MergedName | RankedName;

export const callNames: readonly MergedName[] = [
  'count',
  'sum',
  'mean',
  'min',
  'max',
  'first',
  'last',
  'spread',
];

/** True for the functions that pick one point and so have its time. */
export function isSelector(name: CallName): boolean {
  return name === 'min' || name === 'max' || name === 'first' || name === 'last';
}

/** The type of a call's result over a field of `type`. */
export function callType(name: CallName, type: ColumnType): ColumnType {
  if (name === 'count') return 'integer';
  return name === 'mean' || name === 'median' ? 'float' : type;
}

/** What a summary must hold for a call. */
export function callParts(name: CallName): readonly SummaryPart[] {
  if (name === 'mean') return ['count', 'sum'];
  if (name === 'median' || name === 'percentile') return [];
  return name === 'spread' ? ['min', 'max'] : [name];
}

/** The result of a call in window `i` of a summary. */
export function callValue(name: CallName, summary: WindowSummary, i: number): Value | null {
  switch (name) {
    case 'count':
      return summary.counts[i] ?? 0n;
    case 'sum':
      return summary.sums === undefined ? null : cellValue(summary.sums, i);
    case 'mean': {
      const sum = summary.sums === undefined ? null : cellValue(summary.sums, i);
      return sum === null ? null : Number(sum) / Number(summary.counts[i] ?? 1n);
    }
    case 'min':
      return selected(summary.mins?.values, i);
    case 'max':
      return selected(summary.maxs?.values, i);
    case 'first':
      return selected(summary.firsts?.values, i);
    case 'last':
      return selected(summary.lasts?.values, i);
    case 'median':
    case 'percentile':
      return selected(summary.ranked, i);
    case 'spread':
      return spread(selected(summary.mins?.values, i), selected(summary.maxs?.values, i));
  }
}

/** The times of the points that a selector picked, window by window. */
export function callTimesNs(name: CallName, summary: WindowSummary): BigInt64Array {
  return summary.startsNs.map((_, i) => callTimeNs(name, summary, i));
}

/** The time of the point that a selector picked in window `i`. */
function callTimeNs(name: CallName, summary: WindowSummary, i: number): bigint {
  const from =
    name === 'min'
      ? summary.mins
      : name === 'max'
        ? summary.maxs
        : name === 'first'
          ? summary.firsts
          : summary.lasts;
  return from?.timesNs[i] ?? summary.startsNs[i] ?? 0n;
}

function selected(column: Column | undefined, i: number): Value | null {
  return column === undefined ? null : cellValue(column, i);
}

function spread(min: Value | null, max: Value | null): Value | null {
  if (typeof min === 'number' && typeof max === 'number') return max - min;
  if (typeof min === 'bigint' && typeof max === 'bigint') return BigInt.asIntN(64, max - min);
  return null;
}
