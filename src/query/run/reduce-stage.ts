import { must } from '../../base/assert.ts';
import { minTimeNs } from '../../base/units.ts';
import type { Points, WindowReducer, Window } from '../functions/function.ts';
import type { Grid, StagePlan } from '../plan/level-plan.ts';
import { batchRowsMax, type PointBatch, type Subgroups } from './batch.ts';
import { concatPoints, pickPoints, slicePoints, withValues } from './columns.ts';
import type { Stage } from './stage.ts';
import { firstOutside, isInside, windowAt } from './windows.ts';

/**
 * Who asks on behind a window without an answer: the join of several calls; the answer's rows, of which each that stand together
 * leave there, so that the next are asked for as long as there were any; or nobody, and the stream is over.
 */
export type AskedBy = 'join' | 'rows' | 'nobody';

/** What the reduce stage of a call remembers from group to group. */
export interface StreamEnd {
  /** The stream has ended before its input did. */
  isOver: boolean;
  /** So many windows without an answer are bridged by fill() until the stream ends. */
  gapsLeft: bigint;
  /** Of windows without an answer, those since the last point: fill(linear) looks ahead through them. */
  gapsPassed: number;
  /** It has looked past the window behind the last one that it bridged. */
  isLookedPast: boolean;
  /** Of a stream beside others: windows without an answer behind the points that it gave last; the join takes them off. */
  gaps: number;
  /** Rows of it have left since the last window without an answer. */
  hasGiven: boolean;
}

/** Nothing came of a window, or of a whole group. What came before it has gone on. */
export function passWithout(end: StreamEnd, askedBy: AskedBy): void {
  if (askedBy === 'join') end.gaps++;
  else end.isOver ||= askedBy === 'nobody' || !end.hasGiven;
  end.hasGiven = false;
}

interface ReducePlace {
  readonly ascending: boolean;
  readonly subgroups: Subgroups;
  /** fill() comes behind. */
  readonly isFilled: boolean;
  /** It is fill(linear). */
  readonly isLinear: boolean;
  /** With the points of other calls: those of a window get one time then. */
  readonly isJoined: boolean;
  /** Behind a window without an answer. */
  readonly askedBy: AskedBy;
  readonly end: StreamEnd;
}

/**
 * Cuts a stream into windows and gives each to a reducer; subgroups of a window have a reducer each. A window ends with
 * the first point outside of it, so that an order that is not that of time opens a window anew, as in the reference.
 * Answers of one window stand in the order of their subgroups, or of time (`isInTime`) where they are those of a list's only call.
 *
 * A window that no answer comes from ends the stream, for the groups that follow too, as in the reference: percentile() of
 * too few points, or a point of a subquery's window that begins before the range. Only fill() goes on behind it, as long as
 * it has a window to fill in the group that it is at (fill(linear) has two such windows for one that it fills, where it looks
 * for the point behind it), and so do the rows of the answer, unless the window before had none
 * either or LIMIT took all rows between them. Beside other streams it does not end: the join passes the gap over, unless a
 * transformation is between them.
 */
export class ReduceStage implements Stage {
  readonly #create: () => WindowReducer;
  readonly #grid: Grid;
  readonly #ascending: boolean;
  readonly #subgroups: Subgroups;
  readonly #reducers = new Map<number, WindowReducer>();
  #window: Window | undefined;
  /** Subgroups with points in the window at hand. */
  readonly #present = new Set<number>();
  /** The window that was finished last has no answer. */
  #isGap = false;
  #hasSubgroups = false;
  readonly #isFilled: boolean;
  readonly #isLinear: boolean;
  readonly #isInTime: boolean;
  readonly #askedBy: AskedBy;
  readonly #end: StreamEnd;

  constructor(
    { definition, call, grid, isInTime }: Extract<StagePlan, { kind: 'reduce' }>,
    { ascending, subgroups, isFilled, isLinear, isJoined, askedBy, end }: ReducePlace,
  ) {
    this.#create = () => definition.reducer(call);
    this.#grid = grid;
    this.#ascending = ascending;
    this.#subgroups = subgroups;
    this.#isFilled = isFilled;
    this.#isLinear = isLinear;
    this.#isInTime = isInTime && !isJoined;
    this.#askedBy = askedBy;
    this.#end = end;
  }

  get heldBytes(): number {
    let sum = 0;
    for (const reducer of this.#reducers.values()) sum += reducer.heldBytes;
    return sum;
  }

  *push(batch: PointBatch): Iterable<PointBatch> {
    const points = withValues(batch);
    const { timesNs } = points;
    let answers: PointBatch[] = [];
    let answerRows = 0;
    for (let row = 0; row < timesNs.length;) {
      const timeNs = timesNs[row] ?? 0n;
      if (this.#window === undefined || !isInside(timeNs, this.#window)) {
        const answer = this.#finishWindow();
        if (answer !== undefined) {
          answers.push(answer);
          answerRows += answer.timesNs.length;
        }
        if (answerRows >= batchRowsMax || (this.#isGap && answerRows > 0)) {
          // A gap stands behind what came before it.
          yield* together(answers);
          [answers, answerRows] = [[], 0];
        }
        if (this.#isGap) this.#passGap();
        this.#window = windowAt(timeNs, this.#grid);
        if (!isInside(timeNs, this.#window)) this.#end.isOver = true;
      }
      if (this.#end.isOver) break;
      const end = this.#windowEnd(timesNs, row);
      this.#add(slicePoints(points, row, end));
      row = end;
    }
    yield* together(answers);
  }

  *finish(): Iterable<PointBatch> {
    const answer = this.#finishWindow();
    if (answer !== undefined) yield answer;
    if (this.#isGap) this.#passGap();
    for (const [id, reducer] of this.#reducers) {
      const rest = reducer.end?.();
      if (rest !== undefined && rest.timesNs.length > 0) yield this.#labelled(rest, id);
    }
  }

  /** First row outside of the window at hand. */
  #windowEnd(timesNs: BigInt64Array, from: number): number {
    const window = this.#window ?? { startNs: 0n, endNs: 0n };
    const lastNs = timesNs[timesNs.length - 1] ?? 0n;
    if (this.#grid.intervalNs === 0n && isInside(lastNs, window)) return timesNs.length;
    return firstOutside(timesNs, from + 1, window);
  }

  #add(points: PointBatch): void {
    const { subgroups } = points;
    if (subgroups === undefined) {
      this.#present.add(0);
      this.#reducerOf(0).add(points);
      return;
    }
    this.#hasSubgroups = true;
    const rowsById = new Map<number, number[]>();
    for (let row = 0; row < subgroups.length; row++) {
      const id = subgroups[row] ?? 0;
      const rows = rowsById.get(id);
      if (rows === undefined) rowsById.set(id, [row]);
      else rows.push(row);
    }
    for (const [id, rows] of rowsById) {
      this.#present.add(id);
      const isAll = rows.length === points.timesNs.length;
      this.#reducerOf(id).add(isAll ? points : pickPoints(points, Int32Array.from(rows)));
    }
  }

  #reducerOf(id: number): WindowReducer {
    let reducer = this.#reducers.get(id);
    if (reducer === undefined) {
      reducer = this.#create();
      this.#reducers.set(id, reducer);
    }
    return reducer;
  }

  /** Says whether it is a gap, too. */
  #finishWindow(): PointBatch | undefined {
    this.#isGap = false;
    const window = this.#window;
    if (window === undefined || this.#present.size === 0) return undefined;
    const parts: PointBatch[] = [];
    const sign = this.#ascending ? 1 : -1;
    const ids = [...this.#present].sort((a, b) => sign * this.#subgroups.compare(a, b));
    this.#present.clear();
    for (const id of ids) {
      const points = this.#reducerOf(id).finish(window);
      if (points.timesNs.length > 0) parts.push(this.#labelled(points, id));
    }
    const [first] = parts;
    if (first === undefined) {
      // What carries something from window to window says it later.
      this.#isGap = ids.every((id) => this.#reducerOf(id).end === undefined);
      return undefined;
    }
    this.#end.isLookedPast = false;
    this.#end.gapsLeft = this.#isFilled ? this.#windowsBehind(window) : 0n;
    if (parts.length === 1) return first;
    const all = joined(parts);
    return this.#isInTime ? this.#inTime(all) : all;
  }

  #passGap(): void {
    const end = this.#end;
    const isPassed = end.isLookedPast;
    end.gapsPassed++;
    end.isLookedPast = !isPassed && this.#isLinear && end.gapsLeft > 0n;
    if (isPassed) return;
    if (end.gapsLeft > 0n) end.gapsLeft--;
    else passWithout(end, this.#askedBy);
  }

  /** How many windows of the range come after one, in the direction of time. */
  #windowsBehind({ startNs, endNs }: Window): bigint {
    const { intervalNs, startNs: firstNs, endNs: lastNs } = this.#grid;
    // Nothing is filled in down to the beginning of time.
    if (intervalNs === 0n || (!this.#ascending && firstNs <= minTimeNs)) return 0n;
    const leftNs = this.#ascending ? lastNs - endNs + intervalNs : startNs - firstNs + intervalNs - 1n; // prettier-ignore
    return leftNs < 0n ? 0n : leftNs / intervalNs;
  }

  #labelled(points: Points, id: number): PointBatch {
    const subgroups = this.#hasSubgroups ? new Int32Array(points.timesNs.length).fill(id) : undefined; // prettier-ignore
    return { ...points, subgroups };
  }

  /** Points of several subgroups by time; those of one time stay in the order of subgroups. */
  #inTime(points: PointBatch): PointBatch {
    const { timesNs } = points;
    const isBefore = this.#ascending
      ? (a: bigint, b: bigint) => a <= b
      : (a: bigint, b: bigint) => a >= b;
    let isOrdered = true;
    for (let row = 1; row < timesNs.length && isOrdered; row++)
      isOrdered = isBefore(timesNs[row - 1] ?? 0n, timesNs[row] ?? 0n);
    if (isOrdered) return points;
    const sign = this.#ascending ? 1 : -1;
    const rows = Int32Array.from(timesNs, (_, row) => row).sort((a, b) => {
      const left = timesNs[a] ?? 0n;
      const right = timesNs[b] ?? 0n;
      return left === right ? a - b : left < right ? -sign : sign;
    });
    return pickPoints(points, rows);
  }
}

/** What windows answered, so that what comes behind is not run for each of them. */
function* together(answers: readonly PointBatch[]): Iterable<PointBatch> {
  if (answers.length > 0) yield joined(answers);
}

/** Batches of one call, at least one. */
function joined(parts: readonly PointBatch[]): PointBatch {
  const { values, aux } = must(parts[0], 'there is a batch');
  return concatPoints(parts, values.type, aux.map(({ type }) => type)); // prettier-ignore
}
