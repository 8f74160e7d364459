/** percentile(), median() and mode(): what the values of a window say once they are in order. */
import type { Expr } from '../../influxql/ast.ts';
import { noPoints, compareCells, type Cell } from './cells.ts';
import { checkCount, firstOf, invalid, numbersOnly } from './checks.ts';
import type { PlannedCall, Points, SelectorDefinition, Window, WindowReducer } from './function.ts';
import { foldFunction, type Fold } from './reducer.ts';
import { pointAt, pointBytes, selectedPoints, type SelectedPoint } from './selected.ts';

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
    points.sort((a, b) => compareCells(a.value, b.value));
    return selectedPoints(points.slice(rank, rank + 1), argumentType, auxTypes);
  }
}

function percentOf(rank: Expr | undefined): number {
  return rank?.kind === 'integer' || rank?.kind === 'number' ? Number(rank.value) : 0;
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
    const cells = this.#cells.sort(compareCells);
    this.#cells = [];
    return cells.length === 0 ? undefined : this.#pick(cells);
  }
}

/**
 * The most frequent value. Of those as frequent the one that was there earlier, by the reference's measure: the first
 * time of a value against the last time of the smaller one. Values that are all alone give the smallest.
 */
export const modeFunction = foldFunction({
  name: 'mode',
  resultType: (type) => type,
  fold: ({ argumentType }) => (argumentType === 'boolean' ? new BooleanMode() : new Mode()),
});

interface Seen {
  count: number;
  readonly firstNs: bigint;
  lastNs: bigint;
}

class Mode implements Fold {
  readonly #seen = new Map<Cell, Seen>();
  #heldBytes = 0;

  get heldBytes(): number {
    return this.#heldBytes;
  }

  take(value: Cell, timeNs: bigint): void {
    const seen = this.#seen.get(value);
    if (seen === undefined) {
      this.#seen.set(value, { count: 1, firstNs: timeNs, lastNs: timeNs });
      this.#heldBytes += 160 + (typeof value === 'string' ? value.length : 0);
      return;
    }
    seen.count++;
    seen.lastNs = timeNs;
  }

  result(): Cell | undefined {
    const ordered = [...this.#seen].sort(([a], [b]) => compareCells(a, b));
    this.#seen.clear();
    this.#heldBytes = 0;
    let [best] = ordered;
    for (const one of ordered.slice(1)) {
      if (best === undefined || one[1].count < 2 || one[1].count < best[1].count) continue;
      if (one[1].count > best[1].count || one[1].firstNs <= best[1].lastNs) best = one;
    }
    return best?.[0];
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
