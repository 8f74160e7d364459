import type { Column } from '../column.ts';
import { pickRows } from '../exec/columns/pick-rows.ts';
import type { PointBatch, Subgroups } from './batch.ts';

/** The streams of a list's calls side by side: column i has the values of stream i, null where it has no point. */
export interface JoinedPoints {
  readonly timesNs: BigInt64Array;
  readonly subgroups: Int32Array | undefined;
  readonly streams: readonly {
    readonly values: Column;
    readonly aux: readonly Column[];
    /** 1 where the stream has a point, be it a null one; absent where it has all. */
    readonly present: Uint8Array | undefined;
  }[];
  /** Nothing follows, in no group. */
  readonly isOver: boolean;
}

export interface JoinOrder {
  readonly ascending: boolean;
  readonly subgroups: Subgroups;
  /** Of each stream. */
  readonly gaps: readonly StreamGaps[];
  /** Who reads it asks once more behind its rows, as who writes the answer does in the reference. */
  readonly isAskedAgain: boolean;
}

/**
 * Where a stream has windows without an answer: before which of its points, and how many; before the one past its last are
 * those behind. A join takes off what it passes.
 */
export type StreamGaps = Map<number, number>;

/**
 * Joins streams by subgroup and time. At each step the least of the streams' next points is taken, and with it one
 * point of each stream that stands at the same place: of several points of one time the first goes with the first.
 * A step passes up to two gaps of each stream, the first before the least point is looked for; where all streams are at a gap
 * then, nothing follows, as in the reference, unless there were rows before and it is asked again.
 */
export function joinPoints(
  streams: readonly PointBatch[],
  { ascending, subgroups, gaps, isAskedAgain }: JoinOrder,
): JoinedPoints {
  const [first] = streams;
  const hasGaps = gaps.some(({ size }) => size > 0);
  if (first !== undefined && !hasGaps && streams.every((one) => isAligned(one, first)))
    return {
      timesNs: first.timesNs,
      subgroups: first.subgroups,
      streams: streams.map(({ values, aux }) => ({ values, aux, present: undefined })),
      isOver: false,
    };
  const { rows, count, isOver } = walk(streams, { ascending, subgroups, gaps, isAskedAgain });
  const timesNs = new BigInt64Array(count);
  const hasSubgroups = streams.some((one) => one.subgroups !== undefined);
  const ids = hasSubgroups ? new Int32Array(count) : undefined;
  streams.forEach((stream, s) => {
    const own = rows[s] ?? new Int32Array();
    for (let at = 0; at < count; at++) {
      const row = own[at] ?? -1;
      if (row < 0) continue;
      timesNs[at] = stream.timesNs[row] ?? 0n;
      if (ids !== undefined) ids[at] = stream.subgroups?.[row] ?? 0;
    }
  });
  return {
    timesNs,
    subgroups: ids,
    isOver,
    streams: streams.map(({ values, aux }, s) => {
      const own = (rows[s] ?? new Int32Array()).subarray(0, count);
      return {
        values: pickRows(values, own),
        aux: aux.map((column) => pickRows(column, own)),
        present: Uint8Array.from(own, (row) => (row < 0 ? 0 : 1)),
      };
    }),
  };
}

function isAligned(one: PointBatch, other: PointBatch): boolean {
  if (one === other) return true;
  if (one.timesNs.length !== other.timesNs.length) return false;
  if ((one.subgroups === undefined) !== (other.subgroups === undefined)) return false;
  for (let row = 0; row < one.timesNs.length; row++) {
    if (one.timesNs[row] !== other.timesNs[row]) return false;
    if (one.subgroups?.[row] !== other.subgroups?.[row]) return false;
  }
  return true;
}

/** For each stream and row of the answer: the stream's own row, -1 for none. */
function walk(
  streams: readonly PointBatch[],
  { ascending, subgroups, gaps, isAskedAgain }: JoinOrder,
): { readonly rows: readonly Int32Array[]; readonly count: number; readonly isOver: boolean } {
  const total = streams.reduce((sum, { timesNs }) => sum + timesNs.length, 0);
  const rows = streams.map(() => new Int32Array(total).fill(-1));
  const next = streams.map(() => 0);
  const atGap = streams.map(() => false);
  const sign = ascending ? 1 : -1;
  const isDone = (s: number): boolean => (next[s] ?? 0) >= (streams[s]?.timesNs.length ?? 0);
  const take = (s: number, at: number): void => {
    const own = rows[s];
    if (own !== undefined) own[at] = next[s] ?? 0;
    next[s] = (next[s] ?? 0) + 1;
  };
  let count = 0;
  /** Rows that whoever asks had when nothing came. */
  let countBefore = 0;
  for (;;) {
    let least = -1;
    for (let s = 0; s < streams.length; s++) {
      atGap[s] = passGap(gaps[s], next[s] ?? 0);
      if (atGap[s] === true || isDone(s)) continue;
      if (least < 0 || sign * comparePoints(streams, [s, least], next, subgroups) < 0) least = s;
    }
    if (least < 0) {
      if (!atGap.some((is) => is)) return { rows, count, isOver: false };
      if (!atGap.every((is) => is)) continue;
      if (!isAskedAgain || count === countBefore) return { rows, count, isOver: true };
      countBefore = count;
      continue;
    }
    for (let s = 0; s < streams.length; s++) {
      if (s === least || isDone(s)) continue;
      if (atGap[s] === true && passGap(gaps[s], next[s] ?? 0)) continue;
      if (comparePoints(streams, [s, least], next, subgroups) === 0) take(s, count);
    }
    take(least, count);
    count++;
  }
}

/** Whether there was a gap before a point. */
function passGap(gaps: StreamGaps | undefined, row: number): boolean {
  const count = gaps?.get(row) ?? 0;
  if (count === 0) return false;
  if (count === 1) gaps?.delete(row);
  else gaps?.set(row, count - 1);
  return true;
}

function comparePoints(
  streams: readonly PointBatch[],
  [a, b]: readonly [number, number],
  next: readonly number[],
  subgroups: Subgroups,
): number {
  const left = streams[a];
  const right = streams[b];
  const leftRow = next[a] ?? 0;
  const rightRow = next[b] ?? 0;
  const bySubgroup = subgroups.compare(
    left?.subgroups?.[leftRow] ?? 0,
    right?.subgroups?.[rightRow] ?? 0,
  );
  if (bySubgroup !== 0) return bySubgroup;
  const leftNs = left?.timesNs[leftRow] ?? 0n;
  const rightNs = right?.timesNs[rightRow] ?? 0n;
  return leftNs === rightNs ? 0 : leftNs < rightNs ? -1 : 1;
}
