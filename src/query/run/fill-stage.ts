import { DbError } from '../../base/errors.ts';
import { minTimeNs } from '../../base/units.ts';
import type { Fill } from '../../influxql/ast.ts';
import type { ColumnType } from '../column.ts';
import { cellValue, ColumnBuilder, wholeOf } from '../exec/columns/column-builder.ts';
import type { Grid } from '../plan/level-plan.ts';
import type { Value } from '../predicate.ts';
import { batchRowsMax, type PointBatch } from './batch.ts';

import type { StreamEnd } from './reduce-stage.ts';
import type { Stage } from './stage.ts';
import { magnitude, windowAt } from './windows.ts';

export interface FillOptions {
  readonly fill: Fill;
  readonly ascending: boolean;
  readonly types: { readonly value: ColumnType; readonly aux: readonly ColumnType[] };
  /** Of the stage whose windows are filled: how many without an answer it has passed since its last point. */
  readonly end?: Pick<StreamEnd, 'gapsPassed'> | undefined;
}

/**
 * Puts a point into each window between the bounds of a query that has none (spec 6.3). The stream is walked point by
 * point: with each change of subgroup the windows of the last one are filled to the end, and those of the next from the
 * start, as the reference does even where subgroups alternate. Without a lower bound windows begin with the first point,
 * and descending they end with the last one.
 */
export class FillStage implements Stage {
  readonly #grid: Grid;
  readonly #fill: Fill;
  readonly #ascending: boolean;
  readonly #startNs: bigint;
  readonly #endNs: bigint;
  readonly #types: { readonly value: ColumnType; readonly aux: readonly ColumnType[] };
  /** The subgroup and the start of the window that is expected next; undefined before the first point. */
  #expected: { subgroup: number; timeNs: bigint; zoneNs: bigint } | undefined;
  #previous: { readonly timeNs: bigint; readonly value: Value } | undefined;
  #hasSubgroups = false;
  readonly #end: FillOptions['end'];
  /** Windows without an answer before the point at hand, which `linear` looks ahead through. */
  #gapsAhead = 0;
  /** What was pushed last filled all windows. */
  #isFilled = false;
  readonly heldBytes = 0;

  constructor(grid: Grid, { fill, ascending, types, end }: FillOptions) {
    this.#grid = grid;
    this.#end = end;
    this.#fill = fill;
    this.#ascending = ascending;
    this.#types = types;
    const lowNs = windowAt(grid.startNs, grid).startNs;
    const highNs = windowAt(grid.endNs, grid).startNs;
    [this.#startNs, this.#endNs] = ascending ? [lowNs, highNs] : [highNs, lowNs];
    if (grid.startNs !== minTimeNs) checkWindows(lowNs, highNs, grid.intervalNs);
  }

  *push(points: PointBatch): Iterable<PointBatch> {
    const { timesNs, subgroups } = points;
    this.#takeGaps();
    this.#isFilled = this.#isWhole(points);
    if (this.#isFilled) {
      yield points;
      return;
    }
    this.#hasSubgroups ||= subgroups !== undefined;
    const out = new FilledRows(this.#types, this.#hasSubgroups, this.#capacity(points));
    for (let row = 0; row < timesNs.length; row++) {
      const timeNs = timesNs[row] ?? 0n;
      const subgroup = subgroups?.[row] ?? 0;
      const value = cellValue(points.values, row);
      if (this.#expected?.subgroup !== subgroup) {
        yield* this.#fillToEnd(out);
        this.#begin(subgroup, timeNs);
      }
      while (this.#isAhead(timeNs)) {
        out.gap(this.#expected?.timeNs ?? 0n, subgroup, this.#gapValue(timeNs, value));
        this.#advance();
        if (out.isFull) yield out.take();
      }
      this.#gapsAhead = 0;
      out.point(points, row, subgroup);
      if (value !== null) this.#previous = { timeNs, value };
      else this.#previous = undefined;
      this.#advance();
      if (out.isFull) yield out.take();
    }
    if (!out.isEmpty) yield out.take();
  }

  *finish(): Iterable<PointBatch> {
    if (this.#isFilled) return;
    const expected = this.#expected;
    if (expected === undefined) return;
    const out = new FilledRows(this.#types, this.#hasSubgroups, this.#rowsBetween(expected.timeNs, this.#endNs)); // prettier-ignore
    yield* this.#fillToEnd(out);
    if (!out.isEmpty) yield out.take();
  }

  /** The first points of a group, which fill all of its windows: most answers need nothing more than this look. */
  #isWhole({ timesNs, subgroups, values }: PointBatch): boolean {
    const { intervalNs, zone } = this.#grid;
    if (this.#expected !== undefined || subgroups !== undefined || zone !== undefined) return false;
    const firstNs = timesNs[0];
    const lastNs = timesNs[timesNs.length - 1];
    if (firstNs !== this.#startNs || lastNs !== this.#endNs || values.valid !== undefined) return false; // prettier-ignore
    const stepNs = this.#ascending ? intervalNs : -intervalNs;
    for (let row = 1; row < timesNs.length; row++)
      if ((timesNs[row] ?? 0n) - (timesNs[row - 1] ?? 0n) !== stepNs) return false;
    this.#expected = { subgroup: 0, timeNs: lastNs + stepNs, zoneNs: 0n };
    return true;
  }

  /** Rows that are likely to come of points, a batch at the most: what is beyond comes in a batch behind. */
  #capacity({ timesNs, subgroups }: PointBatch): number {
    if (subgroups !== undefined) return batchRowsMax;
    const firstNs = this.#startNs === minTimeNs ? timesNs[0] : this.#startNs;
    const fromNs = this.#expected?.timeNs ?? firstNs ?? 0n;
    const rows = this.#rowsBetween(fromNs, timesNs[timesNs.length - 1] ?? fromNs);
    return Math.max(rows, Math.min(batchRowsMax, timesNs.length));
  }

  /** Of windows in the direction of time, a batch at the most. */
  #rowsBetween(fromNs: bigint, toNs: bigint): number {
    const spanNs = this.#ascending ? toNs - fromNs : fromNs - toNs;
    if (spanNs < 0n) return 1;
    const windows = spanNs / this.#grid.intervalNs + 1n;
    return windows > BigInt(batchRowsMax) ? batchRowsMax : Number(windows);
  }

  #takeGaps(): void {
    if (this.#end === undefined) return;
    this.#gapsAhead = this.#end.gapsPassed;
    this.#end.gapsPassed = 0;
  }

  /** The reference takes one such window for the one to be filled, and asks for what is behind it: if that has no answer either there is no line. */
  #seesGap(): boolean {
    const isSeen = this.#gapsAhead > 1;
    this.#gapsAhead = Math.max(0, this.#gapsAhead - 2);
    return isSeen;
  }

  #begin(subgroup: number, timeNs: bigint): void {
    const startNs = this.#startNs === minTimeNs ? windowAt(timeNs, this.#grid).startNs : this.#startNs; // prettier-ignore
    if (this.#ascending) checkWindows(startNs, this.#endNs, this.#grid.intervalNs);
    const zoneNs = this.#grid.zone?.offsetNs(startNs) ?? 0n;
    this.#expected = { subgroup, timeNs: startNs, zoneNs };
    this.#previous = undefined;
  }

  /** Whether the expected window comes before the one of the point at hand. */
  #isAhead(timeNs: bigint): boolean {
    const expectedNs = this.#expected?.timeNs ?? timeNs;
    return this.#ascending ? timeNs > expectedNs : timeNs < expectedNs;
  }

  /** An offset of windows takes the end of those without a lower bound away from the beginning of time: they are counted. */
  *#fillToEnd(out: FilledRows): Iterable<PointBatch> {
    for (let count = 1; ; count++) {
      const expected = this.#expected;
      if (expected === undefined) return;
      const isInside = this.#ascending
        ? expected.timeNs <= this.#endNs
        : expected.timeNs >= this.#endNs && this.#endNs !== minTimeNs;
      if (!isInside) return;
      if (count > windowsMax) throw tooMany(count);
      out.gap(expected.timeNs, expected.subgroup, this.#gapValue(undefined, null));
      this.#advance();
      if (out.isFull) yield out.take();
    }
  }

  #advance(): void {
    const expected = this.#expected;
    if (expected === undefined) return;
    const { intervalNs, zone } = this.#grid;
    expected.timeNs += this.#ascending ? intervalNs : -intervalNs;
    if (zone === undefined) return;
    const zoneNs = zone.offsetNs(expected.timeNs - 1n);
    if (zoneNs === expected.zoneNs) return;
    const difference = expected.zoneNs - zoneNs;
    if (magnitude(difference) < intervalNs) expected.timeNs += difference;
    expected.zoneNs = zoneNs;
  }

  /** What stands in the expected window; `nextNs` is the time of the next point of the subgroup, if there is one. */
  #gapValue(nextNs: bigint | undefined, next: Value | null): Value | null {
    const fill = this.#fill;
    switch (fill.kind) {
      case 'number':
        return numberOf(fill.value, this.#types.value);
      case 'previous':
        return this.#previous?.value ?? null;
      case 'linear': {
        const previous = this.#previous;
        if (previous === undefined || nextNs === undefined || this.#seesGap()) return null;
        return this.#interpolate(previous, { timeNs: nextNs, value: next ?? 0 });
      }
      default:
        return null;
    }
  }

  /** A straight line between two points by the numbers of their windows; integers are cut toward zero, and their rise wraps. */
  #interpolate(
    from: { readonly timeNs: bigint; readonly value: Value },
    to: { readonly timeNs: bigint; readonly value: Value },
  ): Value | null {
    const { intervalNs } = this.#grid;
    const at = Number((this.#expected?.timeNs ?? 0n) / intervalNs - from.timeNs / intervalNs);
    const width = Number(to.timeNs / intervalNs - from.timeNs / intervalNs);
    const type = this.#types.value;
    if (type === 'string' || type === 'boolean') return null;
    const wrapped = (by: bigint) =>
      type === 'unsigned' ? BigInt.asUintN(64, by) : BigInt.asIntN(64, by);
    const rise =
      typeof to.value === 'bigint' && typeof from.value === 'bigint'
        ? Number(wrapped(to.value - from.value))
        : Number(to.value) - Number(from.value);
    const value = (rise / width) * at + Number(from.value);
    const isLarge = type === 'unsigned' && value >= 2 ** 63 && value < 2 ** 64;
    return isLarge ? BigInt(value) : numberOf(value, type);
  }
}

/** A number in the type of a column; text and truth have their empty values, as in the reference. */
export function numberOf(value: number | bigint, type: ColumnType): Value {
  switch (type) {
    case 'float':
      return Number(value);
    case 'integer':
      return BigInt.asIntN(64, typeof value === 'bigint' ? value : wholeOf(value));
    case 'unsigned':
      return BigInt.asUintN(64, typeof value === 'bigint' ? value : wholeOf(value));
    case 'boolean':
      return false;
    case 'string':
      return '';
  }
}

/** Rows of an answer as they are made. */
class FilledRows {
  readonly #types: { readonly value: ColumnType; readonly aux: readonly ColumnType[] };
  readonly #hasSubgroups: boolean;
  readonly #capacity: number;
  readonly #timesNs: BigInt64Array;
  readonly #subgroups: Int32Array;
  #values: ColumnBuilder;
  #aux: readonly ColumnBuilder[];
  #isTaken = false;
  #count = 0;

  constructor(
    types: { readonly value: ColumnType; readonly aux: readonly ColumnType[] },
    hasSubgroups: boolean,
    capacity: number,
  ) {
    this.#types = types;
    this.#hasSubgroups = hasSubgroups;
    this.#capacity = Math.max(1, capacity);
    this.#timesNs = new BigInt64Array(this.#capacity);
    this.#subgroups = new Int32Array(hasSubgroups ? this.#capacity : 0);
    this.#values = new ColumnBuilder(types.value, this.#capacity);
    this.#aux = types.aux.map((type) => new ColumnBuilder(type, this.#capacity));
  }

  /** Behind a batch that was taken. */
  #begin(): void {
    if (!this.#isTaken) return;
    this.#values = new ColumnBuilder(this.#types.value, this.#capacity);
    this.#aux = this.#types.aux.map((type) => new ColumnBuilder(type, this.#capacity));
    this.#isTaken = false;
  }

  get isFull(): boolean {
    return this.#count === this.#capacity;
  }

  get isEmpty(): boolean {
    return this.#count === 0;
  }

  gap(timeNs: bigint, subgroup: number, value: Value | null): void {
    this.#begin();
    this.#timesNs[this.#count] = timeNs;
    this.#subgroups[this.#count++] = subgroup;
    this.#values.pushValue(value);
    for (const column of this.#aux) column.pushNull();
  }

  point(points: PointBatch, row: number, subgroup: number): void {
    this.#begin();
    this.#timesNs[this.#count] = points.timesNs[row] ?? 0n;
    this.#subgroups[this.#count++] = subgroup;
    this.#values.pushFrom(points.values, row);
    this.#aux.forEach((column, i) => {
      const from = points.aux[i];
      if (from === undefined) column.pushNull();
      else column.pushFrom(from, row);
    });
  }

  take(): PointBatch {
    const count = this.#count;
    const taken: PointBatch = {
      timesNs: this.#timesNs.slice(0, count),
      values: this.#values.finish(),
      aux: this.#aux.map((column) => column.finish()),
      subgroups: this.#hasSubgroups ? this.#subgroups.slice(0, count) : undefined,
    };
    this.#count = 0;
    this.#isTaken = true;
    return taken;
  }
}

/** A bound of our own beyond which windows of one series help nobody (trap 46). */
const windowsMax = 20_000_000;

function checkWindows(fromNs: bigint, toNs: bigint, intervalNs: bigint): void {
  const count = (toNs - fromNs) / intervalNs + 1n;
  if (count > BigInt(windowsMax)) throw tooMany(count);
}

function tooMany(count: number | bigint): DbError {
  return new DbError(
    'limit_exceeded',
    `max-select-buckets limit exceeded: (${count}/${windowsMax})`,
  );
}
