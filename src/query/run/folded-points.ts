import { must } from '../../base/assert.ts';
import { minTimeNs } from '../../base/units.ts';
import { resultColumn } from '../assemble/call-column.ts';
import { callTimesNs, callType, isSelector, type CallName } from '../assemble/calls.ts';
import type { ColumnType } from '../column.ts';
import { concatColumns, concatTimes } from '../exec/columns/concat-columns.ts';
import type { WindowsTask, WindowSummary } from '../fragment.ts';
import type { PointBatch, Subgroups } from './batch.ts';
import { pickPoints } from './columns.ts';
import type { CallPlan } from '../plan/level-plan.ts';
import type { CallPoints } from './call-rows.ts';
import type { Flow } from './steps.ts';
import { shownStartNs } from './windows.ts';

interface FoldedPlace {
  readonly type: ColumnType;
  readonly ascending: boolean;
  readonly subgroups: Subgroups;
}

export interface FoldedCall {
  readonly call: CallName;
  readonly field: number;
  /** A selector alone shows the times of its points. */
  readonly keepsTimes: boolean;
  /** The only call of its list, for someone who asks for an order of time. */
  readonly isInTime: boolean;
}

/**
 * The points of a call that shards folded, one a window, in the direction of time; those of one window in the order of
 * subgroups, or of the points that a list's only call picked (`isInTime`), as they are where rows are reduced.
 */
export function foldedPoints(
  rows: readonly { readonly subgroup: number; readonly summaries: readonly WindowSummary[] }[],
  call: FoldedCall,
  place: FoldedPlace,
): PointBatch {
  const { type, ascending, subgroups } = place;
  const isPicked = call.isInTime && isSelector(call.call);
  const pickedNs: BigInt64Array[] = [];
  const parts = rows.flatMap(({ subgroup, summaries }) => {
    const summary = must(summaries[call.field], 'a summary per call');
    if (summary.startsNs.length === 0) return [];
    if (isPicked) pickedNs.push(callTimesNs(call.call, summary));
    const timesNs = call.keepsTimes ? callTimesNs(call.call, summary) : summary.startsNs;
    return [{ subgroup, timesNs, values: resultColumn(call.call, summary, type) }];
  });
  const timesNs = concatTimes(parts.map((part) => part.timesNs));
  const isAlone = subgroups.keys.length === 0;
  const points: PointBatch = {
    timesNs,
    values: concatColumns(type, parts.map(({ values }) => values)), // prettier-ignore
    aux: [],
    subgroups: isAlone ? undefined : subgroupColumn(parts, timesNs.length),
  };
  if (isAlone && ascending) return atShownStarts(points, call);
  const order = { ascending, subgroups, pickedNs: isPicked ? concatTimes(pickedNs) : undefined };
  return atShownStarts(pickPoints(points, orderOf(points, order)), call);
}

/** Windows stand in their order first: the one that starts with time shows 1970. */
function atShownStarts(points: PointBatch, { keepsTimes }: FoldedCall): PointBatch {
  const { timesNs } = points;
  const isFromStart = timesNs[0] === minTimeNs || timesNs[timesNs.length - 1] === minTimeNs;
  return keepsTimes || !isFromStart ? points : { ...points, timesNs: timesNs.map(shownStartNs) };
}

function subgroupColumn(
  parts: readonly { readonly subgroup: number; readonly timesNs: BigInt64Array }[],
  count: number,
): Int32Array {
  const ids = new Int32Array(count);
  let at = 0;
  for (const { subgroup, timesNs } of parts) {
    ids.fill(subgroup, at, at + timesNs.length);
    at += timesNs.length;
  }
  return ids;
}

interface PointOrder {
  readonly ascending: boolean;
  readonly subgroups: Subgroups;
  /** When the points were that stand for windows. */
  readonly pickedNs: BigInt64Array | undefined;
}

function orderOf(
  { timesNs, subgroups: ids }: PointBatch,
  { ascending, subgroups, pickedNs }: PointOrder,
): Int32Array {
  const sign = ascending ? 1 : -1;
  return Int32Array.from(timesNs, (_, row) => row).sort((a, b) => {
    const order = compareTimes(timesNs, a, b) || (pickedNs && compareTimes(pickedNs, a, b));
    return sign * (order || subgroups.compare(ids?.[a] ?? 0, ids?.[b] ?? 0));
  });
}

function compareTimes(timesNs: BigInt64Array, a: number, b: number): number {
  const left = timesNs[a] ?? 0n;
  const right = timesNs[b] ?? 0n;
  return left === right ? 0 : left < right ? -1 : 1;
}

/** The points of those calls that the shards of a feed folded, of all tag sets of a group. */
export function* foldedInputs(
  rows: Parameters<typeof foldedPoints>[0],
  calls: readonly CallPlan[],
  { task, feed, ascending, subgroups }: FoldedFeed,
): Flow<CallPoints> {
  for (const [call, { input }] of calls.entries()) {
    if (input.kind !== 'folded' || input.feed !== feed) continue;
    const type = callType(input.call, must(task.fields[input.field], 'a field per call').type);
    yield { call, points: foldedPoints(rows, input, { type, ascending, subgroups }) };
  }
}

interface FoldedFeed {
  readonly task: WindowsTask;
  /** The feed's place in the level. */
  readonly feed: number;
  readonly ascending: boolean;
  readonly subgroups: Subgroups;
}
