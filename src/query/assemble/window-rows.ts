import { DbError } from '../../base/errors.ts';
import { windowStartNs } from '../exec/window-accumulator.ts';
import type { WindowSummary, WindowsTask } from '../fragment.ts';
import type { Fill } from './fill.ts';

/** What decides which windows a series shows. */
export interface WindowRange {
  readonly task: Pick<WindowsTask, 'intervalNs' | 'offsetNs'>;
  readonly fill: Fill;
  /** The query's own bounds; undefined where it names none. */
  readonly minTimeNs: bigint | undefined;
  readonly maxTimeNs: bigint;
  /** `max-select-buckets`; 0 means no limit. */
  readonly bucketsMax: number;
}

/** The rows of a series of windows, ascending. */
export interface WindowRows {
  readonly startsNs: BigInt64Array;
  /** For each summary and row: the window of the summary that the row shows, -1 for none. */
  readonly windows: readonly Int32Array[];
}

/** A bound of our own beyond which a list of windows would not fit in memory (trap 46). */
const bucketsHardMax = 20_000_000;
/** Doubles hold distances of time below it exactly. */
const exactMaxNs = 2n ** 53n;

/**
 * With fill the windows run from the query's lower bound, or the first point without one, to its upper bound; descending
 * without a lower bound ends at the earliest point either way.
 */
export function windowRows(
  summaries: readonly WindowSummary[],
  output: WindowRange,
): WindowRows | undefined {
  const { task, fill, minTimeNs, maxTimeNs } = output;
  const earliestNs = earliestStart(summaries);
  if (earliestNs === undefined) return undefined;
  if (task.intervalNs === 0n || fill.kind === 'none') {
    const rows = presentRows(summaries);
    checkBuckets(rows.startsNs.length, output);
    return rows;
  }
  const { intervalNs, offsetNs } = task;
  const firstNs = minTimeNs === undefined ? earliestNs : windowStartNs(minTimeNs, intervalNs, offsetNs); // prettier-ignore
  const lastNs = windowStartNs(maxTimeNs, intervalNs, offsetNs);
  const count = Number((lastNs - firstNs) / intervalNs) + 1;
  checkBuckets(count, output);
  const startsNs = new BigInt64Array(Math.max(0, count));
  let startNs = firstNs;
  for (let i = 0; i < count; i++, startNs += intervalNs) startsNs[i] = startNs;
  const isExact = lastNs - firstNs < exactMaxNs;
  const windows = summaries.map((summary) => {
    const rows = new Int32Array(startsNs.length).fill(-1);
    const interval = Number(intervalNs);
    summary.startsNs.forEach((ownNs, i) => {
      const row = isExact
        ? Number(ownNs - firstNs) / interval
        : Number((ownNs - firstNs) / intervalNs);
      if (row >= 0 && row < rows.length) rows[row] = i;
    });
    return rows;
  });
  return { startsNs, windows };
}

function earliestStart(summaries: readonly WindowSummary[]): bigint | undefined {
  let earliestNs: bigint | undefined;
  for (const { startsNs } of summaries) {
    const [firstNs] = startsNs;
    if (firstNs !== undefined && (earliestNs === undefined || firstNs < earliestNs)) earliestNs = firstNs; // prettier-ignore
  }
  return earliestNs;
}

/** The windows that any of the summaries has. */
function presentRows(summaries: readonly WindowSummary[]): WindowRows {
  const [first] = summaries;
  if (first !== undefined && summaries.every((one) => isSame(one.startsNs, first.startsNs))) {
    const rows = Int32Array.from(first.startsNs, (_, i) => i);
    return { startsNs: first.startsNs, windows: summaries.map(() => rows) };
  }
  const present = new Set(summaries.flatMap((summary) => [...summary.startsNs]));
  const startsNs = BigInt64Array.from([...present]).sort();
  const rowOf = new Map([...startsNs].map((startNs, row) => [startNs, row]));
  const windows = summaries.map((summary) => {
    const rows = new Int32Array(startsNs.length).fill(-1);
    summary.startsNs.forEach((startNs, i) => (rows[rowOf.get(startNs) ?? 0] = i));
    return rows;
  });
  return { startsNs, windows };
}

function isSame(left: BigInt64Array, right: BigInt64Array): boolean {
  return left === right || (left.length === right.length && left.every((one, i) => one === right[i])); // prettier-ignore
}

function checkBuckets(count: number, { bucketsMax }: WindowRange): void {
  const max = bucketsMax === 0 ? bucketsHardMax : bucketsMax;
  if (count > max)
    throw new DbError('limit_exceeded', `max-select-buckets limit exceeded: (${count}/${max})`);
}
