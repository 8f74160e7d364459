import type { Points, WindowReducer, Window } from '../functions/function.ts';
import type { Grid } from '../plan/level-plan.ts';
import type { PointBatch, Subgroups } from './batch.ts';
import { concatPoints, pickPoints, slicePoints, withValues } from './columns.ts';
import type { Stage } from './stage.ts';
import { windowAt } from './windows.ts';

/**
 * Cuts a stream into windows and gives each to a reducer; subgroups of a window have a reducer each. A window ends with
 * the first point outside of it, so that an order that is not that of time opens a window anew, as in the reference.
 * Answers of one window stand in the order of their subgroups, or of time where points keep theirs.
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
  #hasSubgroups = false;

  constructor(
    create: () => WindowReducer,
    grid: Grid,
    { ascending, subgroups }: { readonly ascending: boolean; readonly subgroups: Subgroups },
  ) {
    this.#create = create;
    this.#grid = grid;
    this.#ascending = ascending;
    this.#subgroups = subgroups;
  }

  get heldBytes(): number {
    let sum = 0;
    for (const reducer of this.#reducers.values()) sum += reducer.heldBytes;
    return sum;
  }

  *push(batch: PointBatch): Iterable<PointBatch> {
    const points = withValues(batch);
    const { timesNs } = points;
    let row = 0;
    while (row < timesNs.length) {
      const timeNs = timesNs[row] ?? 0n;
      const window = this.#window;
      if (window === undefined || timeNs < window.startNs || timeNs >= window.endNs) {
        yield* this.#finishWindow();
        this.#window = windowAt(timeNs, this.#grid);
      }
      const end = this.#windowEnd(timesNs, row);
      this.#add(slicePoints(points, row, end));
      row = end;
    }
  }

  *finish(): Iterable<PointBatch> {
    yield* this.#finishWindow();
    for (const [id, reducer] of this.#reducers) {
      const rest = reducer.end?.();
      if (rest !== undefined && rest.timesNs.length > 0) yield this.#labelled(rest, id);
    }
  }

  /** First row outside of the window at hand. */
  #windowEnd(timesNs: BigInt64Array, from: number): number {
    const { startNs, endNs } = this.#window ?? { startNs: 0n, endNs: 0n };
    const lastNs = timesNs[timesNs.length - 1] ?? 0n;
    const isInside = (timeNs: bigint) => timeNs >= startNs && timeNs < endNs;
    if (this.#grid.intervalNs === 0n && isInside(lastNs)) return timesNs.length;
    let row = from + 1;
    while (row < timesNs.length && isInside(timesNs[row] ?? 0n)) row++;
    return row;
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

  *#finishWindow(): Iterable<PointBatch> {
    const window = this.#window;
    if (window === undefined) return;
    const parts: PointBatch[] = [];
    const sign = this.#ascending ? 1 : -1;
    const ids = [...this.#present].sort((a, b) => sign * this.#subgroups.compare(a, b));
    this.#present.clear();
    for (const id of ids) {
      const points = this.#reducerOf(id).finish(window);
      if (points.timesNs.length > 0) parts.push(this.#labelled(points, id));
    }
    const [first] = parts;
    if (first === undefined) return;
    if (parts.length === 1) yield first;
    else {
      const all = concatPoints(parts, first.values.type, first.aux.map(({ type }) => type)); // prettier-ignore
      yield this.#inTime(all);
    }
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
