/** percentile(), median() and mode(): what the values of a window say once they are in order. */
import type { Expr } from '../../influxql/ast.ts';
import { cellAt, cellBytes, noPoints, pointsOf, type Cell } from './cells.ts';
import { checkCount, firstOf, invalid, numbersOnly } from './checks.ts';
import type { PlannedCall, Points, SelectorDefinition, Window, WindowReducer } from './function.ts';
import { GatheredNumbers, orderOf, type NumberColumn, type Numbers } from './gathered-numbers.ts';
import { columnFunction, type ColumnFold } from './reducer.ts';
import { pointAt, pointBytes, selectedPoints, type SelectedPoint } from './selected.ts';
import { unstableOrder } from './unstable-order.ts';
import { valueAtRank } from './value-at-rank.ts';

/** The point at a rank of the ordered values; none when the rank is outside of them. */
export const percentileFunction: SelectorDefinition = {
  kind: 'selector',
  name: 'percentile',
  merges: false,
  keepsTimes: false,
  check(args, context) {
    checkCount('percentile', args, 2);
    const rank = args[1];
    if (rank?.kind !== 'integer' && rank?.kind !== 'number')
      throw invalid('expected float argument in percentile()');
    context.symbol('percentile', firstOf(args));
  },
  resultType(type) {
    numbersOnly('percentile', type);
    return type;
  },
  reducer: (call) => (call.auxTypes.length > 0 ? new PercentileRow(call) : new Percentile(call)),
};

class Percentile implements WindowReducer {
  readonly #call: PlannedCall;
  readonly #percent: number;
  readonly #values = new GatheredNumbers();
  /** Of points whose time shows, or of the first alone. */
  readonly #timesNs = new GatheredNumbers();

  constructor(call: PlannedCall) {
    this.#call = call;
    this.#percent = percentOf(call.args[1]);
  }

  get heldBytes(): number {
    return 128 + this.#values.heldBytes + this.#timesNs.heldBytes;
  }

  add({ timesNs, values }: Points): void {
    this.#values.add((values as NumberColumn).values);
    if (this.#call.showsTimes) this.#timesNs.add(timesNs);
    else if (this.#timesNs.count === 0) this.#timesNs.add(timesNs.subarray(0, 1));
  }

  finish(_window: Window): Points {
    const { argumentType, showsTimes } = this.#call;
    const values = this.#values.take();
    const timesNs = this.#timesNs.take() as BigInt64Array;
    const rank = rankOf(values.length, this.#percent);
    if (rank === undefined) return noPoints(argumentType);
    if (!showsTimes) return pointsOf(argumentType, [timesNs[0] ?? 0n], [valueAtRank(values, rank)]); // prettier-ignore
    const at = orderOf(values)[rank] ?? 0;
    return pointsOf(argumentType, [timesNs[at] ?? 0n], [values[at] ?? 0]);
  }
}

/** With what stands beside the value in its row. */
class PercentileRow implements WindowReducer {
  readonly #call: PlannedCall;
  readonly #percent: number;
  #points: SelectedPoint[] = [];
  #heldBytes = 128;

  constructor(call: PlannedCall) {
    this.#call = call;
    this.#percent = percentOf(call.args[1]);
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  add(points: Points): void {
    for (let i = 0; i < points.timesNs.length; i++) {
      const point = pointAt(points, i);
      this.#points.push(point);
      this.#heldBytes += pointBytes(point);
    }
  }

  finish(_window: Window): Points {
    const points = this.#points;
    this.#points = [];
    this.#heldBytes = 128;
    const { argumentType, auxTypes } = this.#call;
    const rank = rankOf(points.length, this.#percent);
    if (rank === undefined) return noPoints(argumentType);
    const values = points.map(({ value }) => value);
    const point = points[orderOfCells(values)[rank] ?? 0];
    return selectedPoints(point === undefined ? [] : [point], argumentType, auxTypes);
  }
}

/** What percentile() is asked for. */
export function percentOf(rank: Expr | undefined): number {
  return rank?.kind === 'integer' || rank?.kind === 'number' ? Number(rank.value) : 0;
}

/** The place of the value that percentile() answers among so many in order; undefined where there is none. */
export function rankOf(count: number, percent: number): number | undefined {
  const rank = Math.floor((count * percent) / 100 + 0.5) - 1;
  return rank < 0 || rank >= count ? undefined : rank;
}

/** Positions of values in the reference's order, the one among equals included; NaN comes before nothing. */
function orderOfCells(values: readonly Cell[]): Int32Array {
  return unstableOrder(values.length, (left, right) => (values[left] ?? 0) < (values[right] ?? 0));
}

/** The middle value; the mean of the two in the middle when they are an even number. */
export const medianFunction = columnFunction({
  name: 'median',
  resultType(type) {
    numbersOnly('median', type);
    return 'float';
  },
  fold: () => new Median(),
});

class Median implements ColumnFold {
  readonly #values = new GatheredNumbers();

  get heldBytes(): number {
    return this.#values.heldBytes;
  }

  take({ values }: Points): void {
    this.#values.add((values as NumberColumn).values);
  }

  result(): Cell | undefined {
    return medianOf(this.#values.take());
  }
}

/** Undefined of none. The values may change places. */
export function medianOf(values: Numbers): number | undefined {
  const count = values.length;
  if (count === 0) return undefined;
  const high = Math.floor(count / 2);
  const most = valueAtRank(values, high);
  if (count % 2 === 1) return Number(most);
  const least = valueAtRank(values, high - 1);
  if (typeof most === 'bigint' && typeof least === 'bigint') {
    // Between two signed ones there may be more than a signed one holds: it wraps, as in the reference.
    const apart = values instanceof BigInt64Array ? BigInt.asIntN(64, most - least) : most - least;
    return Number(least) + Number(apart) / 2;
  }
  return Number(least) + (Number(most) - Number(least)) / 2;
}

/**
 * The most frequent value. Of those as frequent the one that was there earlier, by the reference's measure: it walks the
 * ordered values and compares the time of the first point of a value with that of the point that made the one before
 * the most frequent. Values that are all alone give the smallest.
 */
export const modeFunction = columnFunction({
  name: 'mode',
  resultType: (type) => type,
  fold: ({ argumentType }) =>
    argumentType === 'boolean' ? new BooleanMode() : argumentType === 'string' ? new TextMode() : new NumberMode(), // prettier-ignore
});

class NumberMode implements ColumnFold {
  readonly #values = new GatheredNumbers();
  readonly #timesNs = new GatheredNumbers();

  get heldBytes(): number {
    return this.#values.heldBytes + this.#timesNs.heldBytes;
  }

  take({ timesNs, values }: Points): void {
    this.#values.add((values as NumberColumn).values);
    this.#timesNs.add(timesNs);
  }

  result(): Cell | undefined {
    const values = this.#values.take();
    return mostFrequent(values, this.#timesNs.take() as BigInt64Array, orderOf(values));
  }
}

class TextMode implements ColumnFold {
  #texts: Cell[] = [];
  readonly #timesNs = new GatheredNumbers();
  #textBytes = 0;

  get heldBytes(): number {
    return this.#textBytes + this.#timesNs.heldBytes;
  }

  take({ timesNs, values }: Points): void {
    for (let row = 0; row < timesNs.length; row++) {
      const text = cellAt(values, row);
      this.#texts.push(text);
      this.#textBytes += 8 + cellBytes(text);
    }
    this.#timesNs.add(timesNs);
  }

  result(): Cell | undefined {
    const texts = this.#texts;
    this.#texts = [];
    this.#textBytes = 0;
    return mostFrequent(texts, this.#timesNs.take() as BigInt64Array, orderOfCells(texts));
  }
}

function mostFrequent(
  values: ArrayLike<Cell>,
  timesNs: BigInt64Array,
  order: Int32Array,
): Cell | undefined {
  let at = order[0] ?? 0;
  let best = at;
  let count = 0;
  let bestCount = 0;
  for (const next of order) {
    if (values[next] !== values[at]) {
      at = next;
      count = 1;
      continue;
    }
    count++;
    const isLater = (timesNs[at] ?? 0n) > (timesNs[best] ?? 0n);
    if (bestCount > count || (bestCount === count && isLater)) continue;
    bestCount = count;
    best = next;
  }
  return values[best];
}

/** Of booleans true counts when it is at least as frequent. */
class BooleanMode implements ColumnFold {
  readonly heldBytes = 64;
  #trueCount = 0;
  #falseCount = 0;

  take({ values }: Points): void {
    for (const value of values.values as Uint8Array)
      if (value === 1) this.#trueCount++;
      else this.#falseCount++;
  }

  result(): Cell | undefined {
    const isTrue = this.#trueCount > 0 && this.#trueCount >= this.#falseCount;
    const count = this.#trueCount + this.#falseCount;
    this.#trueCount = 0;
    this.#falseCount = 0;
    return count === 0 ? undefined : Number(isTrue);
  }
}
