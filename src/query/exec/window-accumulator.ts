import { compareUtf8 } from '../../base/compare-utf8.ts';
import { DbError } from '../../base/errors.ts';
import { minTimeNs } from '../../base/units.ts';
import type { Column, ColumnType } from '../column.ts';
import { isPlusZero, precedes } from '../equal-values.ts';
import type { SelectedValues, WindowSummary } from '../fragment.ts';
import type { Value } from '../predicate.ts';
import { cellValue, ColumnBuilder } from './columns/column-builder.ts';

/** The start of the window that holds `timeNs`; windows begin at `offsetNs` modulo the interval, also before 1970. */
export function windowStartNs(timeNs: bigint, intervalNs: bigint, offsetNs: bigint): bigint {
  const into = (timeNs - offsetNs) % intervalNs;
  return timeNs - (into < 0n ? into + intervalNs : into);
}

/** Whether a window from windowStartNs() reaches to the beginning of time or before it, where its start may be no int64. */
export function passesStart(startNs: bigint, offsetNs: bigint): boolean {
  return startNs - offsetNs <= minTimeNs || startNs <= minTimeNs;
}

/** More windows than this do not fit in memory: a bound of our own, far beyond what an answer can show. */
const windowsMax = 2_000_000;

/** Throws `limit_exceeded` where so many windows are too many. */
export function checkWindowCount(count: number): void {
  if (count > windowsMax)
    throw new DbError('limit_exceeded', `max-select-buckets limit exceeded: (${count}/${windowsMax})`); // prettier-ignore
}

/** A point that stands for those of its window. */
export interface Selected {
  timeNs: bigint;
  value: Value;
}

interface Window {
  readonly startNs: bigint;
  count: number;
  sum: number | bigint;
  min: Selected | undefined;
  max: Selected | undefined;
  first: Selected | undefined;
  last: Selected | undefined;
}

/**
 * Gathers the points of one field of one group per window. Sums of floats run in order of arrival, since another order
 * changes the last digit. Ties: min and max keep the earliest time; first and last at one time keep the larger value
 * (trap 53), all of them the positive one of two zeros.
 */
export class WindowAccumulator {
  readonly #type: ColumnType;
  readonly #intervalNs: bigint;
  readonly #offsetNs: bigint;
  readonly #wholeStartNs: bigint;
  readonly #windows = new Map<bigint, Window>();

  /** `intervalNs` 0 makes one window that starts at `wholeStartNs`. */
  constructor(
    type: ColumnType,
    bounds: {
      readonly intervalNs: bigint;
      readonly offsetNs: bigint;
      readonly wholeStartNs: bigint;
    },
  ) {
    this.#type = type;
    this.#intervalNs = bounds.intervalNs;
    this.#offsetNs = bounds.offsetNs;
    this.#wholeStartNs = bounds.wholeStartNs;
  }

  get type(): ColumnType {
    return this.#type;
  }

  /** Adds rows in ascending time order; rows without a value count for nothing. */
  add(timesNs: BigInt64Array, column: Column): void {
    let row = 0;
    while (row < timesNs.length) {
      const startNs = this.#startOf(timesNs[row] ?? 0n);
      const end = this.#windowEnd(timesNs, row, startNs);
      this.#addRange(this.#nameOf(startNs), timesNs, column, row, end);
      row = end;
    }
  }

  /** Adds what another accumulator of the same task has summarised. */
  merge(summary: WindowSummary): void {
    for (let i = 0; i < summary.startsNs.length; i++) {
      const startNs = summary.startsNs[i] ?? 0n;
      const part: Window = {
        startNs,
        count: Number(summary.counts[i] ?? 0n),
        sum: summary.sums === undefined ? 0 : numberAt(summary.sums, i),
        min: summary.mins && selectedAt(summary.mins, i),
        max: summary.maxs && selectedAt(summary.maxs, i),
        first: summary.firsts && selectedAt(summary.firsts, i),
        last: summary.lasts && selectedAt(summary.lasts, i),
      };
      const window = this.#windows.get(startNs);
      if (window === undefined) this.#keep(part);
      else this.#mergeWindow(window, part);
    }
  }

  #keep(window: Window): void {
    this.#windows.set(window.startNs, window);
    checkWindowCount(this.#windows.size);
  }

  finish(): WindowSummary {
    const windows = [...this.#windows.values()].sort((a, b) => (a.startNs < b.startNs ? -1 : 1));
    const isNumeric = this.#isNumeric();
    const isOrdered = this.#type !== 'string';
    const select = (pick: (window: Window) => Selected | undefined): SelectedValues =>
      this.#selectedColumn(windows.map(pick));
    return {
      startsNs: BigInt64Array.from(windows, (w) => w.startNs),
      counts: BigInt64Array.from(windows, (w) => BigInt(w.count)),
      sums: isNumeric ? this.#column(windows.map((w) => w.sum)) : undefined,
      mins: isOrdered ? select((w) => w.min) : undefined,
      maxs: isOrdered ? select((w) => w.max) : undefined,
      firsts: select((w) => w.first),
      lasts: select((w) => w.last),
    };
  }

  #isNumeric(): boolean {
    return this.#type === 'float' || this.#type === 'integer' || this.#type === 'unsigned';
  }

  #startOf(timeNs: bigint): bigint {
    if (this.#intervalNs === 0n) return this.#wholeStartNs;
    return windowStartNs(timeNs, this.#intervalNs, this.#offsetNs);
  }

  /** A window that reaches before the beginning of time is called after that, as windowAt() of query/run/windows.ts does. */
  #nameOf(startNs: bigint): bigint {
    if (this.#intervalNs === 0n || !passesStart(startNs, this.#offsetNs)) return startNs;
    return this.#offsetNs > 0n ? minTimeNs + this.#offsetNs : minTimeNs;
  }

  /** First row past the window, by halving: windows hold many rows or few, never a reason to look at each time. */
  #windowEnd(timesNs: BigInt64Array, from: number, startNs: bigint): number {
    if (this.#intervalNs === 0n) return timesNs.length;
    const endNs = startNs + this.#intervalNs;
    if ((timesNs[timesNs.length - 1] ?? 0n) < endNs) return timesNs.length;
    let low = from + 1;
    let high = timesNs.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((timesNs[middle] ?? 0n) < endNs) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  // eslint-disable-next-line max-params -- a range of two parallel columns
  #addRange(
    startNs: bigint,
    timesNs: BigInt64Array,
    column: Column,
    from: number,
    end: number,
  ): void {
    const window = this.#windows.get(startNs);
    const numbers = column.type === 'string' || column.type === 'boolean' ? undefined : column;
    const part =
      numbers === undefined
        ? summarizeCells(startNs, timesNs, column, [from, end])
        : this.#summarizeNumbers(timesNs, numbers, [from, end], {
            startNs,
            sum: window?.sum ?? (numbers.type === 'float' ? 0 : 0n),
          });
    if (part === undefined) return;
    if (window === undefined) this.#keep(part);
    else {
      // The sum went on from the window's own, so that the borders of batches change no digit.
      this.#mergeWindow(window, part);
      window.sum = part.sum;
    }
  }

  /** The points of one range as a window of their own, without an object per point. */
  #summarizeNumbers(
    timesNs: BigInt64Array,
    column: Extract<Column, { type: 'float' | 'integer' | 'unsigned' }>,
    [from, end]: readonly [number, number],
    before: { readonly startNs: bigint; readonly sum: number | bigint },
  ): Window | undefined {
    const { values, valid } = column;
    let count = 0;
    let sum = before.sum;
    let minRow = -1;
    let maxRow = -1;
    let firstRow = -1;
    let lastRow = -1;
    for (let row = from; row < end; row++) {
      if (valid !== undefined && valid[row] !== 1) continue;
      const value = values[row] ?? 0;
      count++;
      sum = typeof sum === 'number' ? sum + Number(value) : this.#add(sum, value);
      if (firstRow < 0) firstRow = minRow = maxRow = row;
      else {
        // Rows ascend in time, so an equal value later on does not replace the earlier one.
        if (value < (values[minRow] ?? 0)) minRow = row;
        if (value > (values[maxRow] ?? 0)) maxRow = row;
      }
      lastRow = row;
    }
    if (count === 0) return undefined;
    const select = (row: number): Selected => ({
      timeNs: timesNs[row] ?? 0n,
      value: values[row] ?? 0,
    });
    return {
      startNs: before.startNs,
      count,
      sum,
      min: select(minRow),
      max: select(maxRow),
      first: select(firstRow),
      last: select(lastRow),
    };
  }

  #mergeWindow(window: Window, part: Window): void {
    window.count += part.count;
    window.sum = this.#add(window.sum, part.sum);
    if (window.min !== undefined && part.min !== undefined)
      window.min = lesser(window.min, part.min);
    if (window.max !== undefined && part.max !== undefined)
      window.max = greater(window.max, part.max);
    if (window.first !== undefined && part.first !== undefined)
      window.first = earlier(window.first, part.first);
    if (window.last !== undefined && part.last !== undefined)
      window.last = later(window.last, part.last);
  }

  #add(sum: number | bigint, value: Value): number | bigint {
    if (typeof sum === 'bigint' && typeof value === 'bigint')
      return this.#type === 'unsigned'
        ? BigInt.asUintN(64, sum + value)
        : BigInt.asIntN(64, sum + value);
    return typeof value === 'number' || typeof value === 'bigint'
      ? Number(sum) + Number(value)
      : sum;
  }

  #selectedColumn(selected: readonly (Selected | undefined)[]): SelectedValues {
    return {
      timesNs: BigInt64Array.from(selected, (one) => one?.timeNs ?? 0n),
      values: this.#column(selected.map((one) => one?.value ?? 0)),
    };
  }

  #column(values: readonly Value[]): Column {
    return valuesColumn(this.#type, values);
  }
}

/** A column of `type` with these values; each must be of that type. */
export function valuesColumn(type: ColumnType, values: readonly (Value | null)[]): Column {
  const builder = new ColumnBuilder(type, values.length);
  for (const value of values) builder.pushValue(value);
  return builder.finish();
}

/** The same for booleans and strings, which are counted and picked from but not summed. */
function summarizeCells(
  startNs: bigint,
  timesNs: BigInt64Array,
  column: Column,
  [from, end]: readonly [number, number],
): Window | undefined {
  let window: Window | undefined;
  for (let row = from; row < end; row++) {
    const value = cellValue(column, row);
    if (value === null) continue;
    const point: Selected = { timeNs: timesNs[row] ?? 0n, value };
    if (window === undefined) {
      const extreme = column.type === 'string' ? undefined : point;
      window = { startNs, count: 1, sum: 0, min: extreme, max: extreme, first: point, last: point };
      continue;
    }
    window.count++;
    if (window.min !== undefined) window.min = lesser(window.min, point);
    if (window.max !== undefined) window.max = greater(window.max, point);
    window.last = window.last && later(window.last, point);
  }
  return window;
}

function numberAt(column: Column, row: number): number | bigint {
  const value = cellValue(column, row);
  return typeof value === 'number' || typeof value === 'bigint' ? value : 0;
}

function selectedAt(selected: SelectedValues, row: number): Selected {
  return { timeNs: selected.timesNs[row] ?? 0n, value: cellValue(selected.values, row) ?? 0 };
}

function lesser(kept: Selected, point: Selected): Selected {
  if (point.value < kept.value) return point;
  return point.value === kept.value && precedes(point.value, point.timeNs, kept.value, kept.timeNs)
    ? point
    : kept;
}

function greater(kept: Selected, point: Selected): Selected {
  if (point.value > kept.value) return point;
  return point.value === kept.value && precedes(point.value, point.timeNs, kept.value, kept.timeNs)
    ? point
    : kept;
}

/** The one that first() takes of two. */
export function earlier(kept: Selected, point: Selected): Selected {
  if (point.timeNs < kept.timeNs) return point;
  if (typeof point.value === 'boolean')
    return point.timeNs === kept.timeNs && !point.value ? point : kept;
  return point.timeNs === kept.timeNs && isLarger(point.value, kept.value) ? point : kept;
}

/** The one that last() takes of two. */
export function later(kept: Selected, point: Selected): Selected {
  if (point.timeNs > kept.timeNs) return point;
  return point.timeNs === kept.timeNs && isLarger(point.value, kept.value) ? point : kept;
}

/** Texts by their bytes. */
function isLarger(value: Value, other: Value): boolean {
  return typeof value === 'string' && typeof other === 'string'
    ? compareUtf8(value, other) > 0
    : value > other || isPlusZero(value, other);
}
