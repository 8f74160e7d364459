/** percentile(), median() and mode(): what the values of a window say once they are in order. */
import type { Expr } from '../../influxql/ast.ts';
import { noPoints, compareCells, type Cell } from './cells.ts';
import { checkCount, firstOf, invalid, numbersOnly } from './checks.ts';
import type { PlannedCall, Points, SelectorDefinition, Window, WindowReducer } from './function.ts';
import { foldFunction, type Fold } from './reducer.ts';
import { pointAt, pointBytes, selectedPoints, type SelectedPoint } from './selected.ts';
import { unstableOrder } from './unstable-order.ts';

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
  reducer: (call) => new Percentile(call),
};

class Percentile implements WindowReducer {
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
    const rank = Math.floor((points.length * this.#percent) / 100 + 0.5) - 1;
    if (rank < 0 || rank >= points.length) return noPoints(argumentType);
    const values = points.map(({ value }) => value);
    const point = points[orderOf(values)[rank] ?? 0];
    return selectedPoints(point === undefined ? [] : [point], argumentType, auxTypes);
  }
}

function percentOf(rank: Expr | undefined): number {
  return rank?.kind === 'integer' || rank?.kind === 'number' ? Number(rank.value) : 0;
}

/** Positions of values in the reference's order, the one among equals included; NaN comes before nothing. */
function orderOf(values: readonly Cell[]): Int32Array {
  return unstableOrder(values.length, (left, right) => (values[left] ?? 0) < (values[right] ?? 0));
}

/** The middle value; the mean of the two in the middle when they are an even number. */
export const medianFunction = foldFunction({
  name: 'median',
  resultType(type) {
    numbersOnly('median', type);
    return 'float';
  },
  fold: () =>
    new OrderedFold((cells) => {
      const high = Math.floor(cells.length / 2);
      const most = cells[high] ?? 0;
      if (cells.length % 2 === 1) return Number(most);
      const least = cells[high - 1] ?? 0;
      if (typeof most === 'bigint' && typeof least === 'bigint')
        return Number(least) + Number(BigInt.asIntN(64, most - least)) / 2;
      return Number(least) + (Number(most) - Number(least)) / 2;
    }),
});

class OrderedFold implements Fold {
  #cells: Cell[] = [];
  readonly #pick: (cells: readonly Cell[]) => Cell;

  constructor(pick: (cells: readonly Cell[]) => Cell) {
    this.#pick = pick;
  }

  get heldBytes(): number {
    return this.#cells.length * 32;
  }

  take(value: Cell): void {
    this.#cells.push(value);
  }

  result(): Cell | undefined {
    const values = this.#cells;
    this.#cells = [];
    // Equal values look alike here, so that the fast sort does, but for values that have no order and for the two zeros.
    const cells = values.some((value) => Number.isNaN(value) || Object.is(value, -0))
      ? Array.from(orderOf(values), (at) => values[at] ?? 0)
      : values.sort(compareCells);
    return cells.length === 0 ? undefined : this.#pick(cells);
  }
}

/**
 * The most frequent value. Of those as frequent the one that was there earlier, by the reference's measure: it walks the
 * ordered values and compares the time of the first point of a value with that of the point that made the one before
 * the most frequent. Values that are all alone give the smallest.
 */
export const modeFunction = foldFunction({
  name: 'mode',
  resultType: (type) => type,
  fold: ({ argumentType }) => (argumentType === 'boolean' ? new BooleanMode() : new Mode()),
});

class Mode implements Fold {
  #values: Cell[] = [];
  #timesNs: bigint[] = [];
  #heldBytes = 0;

  get heldBytes(): number {
    return this.#heldBytes;
  }

  take(value: Cell, timeNs: bigint): void {
    this.#values.push(value);
    this.#timesNs.push(timeNs);
    this.#heldBytes += 64 + (typeof value === 'string' ? value.length : 0);
  }

  result(): Cell | undefined {
    const [values, timesNs] = [this.#values, this.#timesNs];
    this.#values = [];
    this.#timesNs = [];
    this.#heldBytes = 0;
    const order = orderOf(values);
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
}

/** Of booleans true counts when it is at least as frequent. */
class BooleanMode implements Fold {
  readonly heldBytes = 64;
  #trueCount = 0;
  #falseCount = 0;

  take(value: Cell): void {
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
