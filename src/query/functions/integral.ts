/**
 * integral(): the area under the points, by trapezoids, per unit of time (its second argument, else a second). Where a
 * window ends between two points the line between them is cut there, so a window's area is known only when a point of a
 * later one has come. Of points of one time the last counts.
 *
 * As in the reference: descending, areas are negative and carry the end of their window as time; an area over all time
 * has the time 0, but that of integers the start of the range; and of integers, the piece from the cut to the next point
 * is taken between the point before and the cut.
 */
import { minTimeNs } from '../../base/units.ts';
import { doublesOf, pointsOf } from './cells.ts';
import { checkCountBetween, checkUnit, firstOf, numbersOnly, unitNs } from './checks.ts';
import type {
  AggregateDefinition,
  PlannedCall,
  Points,
  Window,
  WindowReducer,
} from './function.ts';

const secondNs = 1_000_000_000n;

export const integralFunction: AggregateDefinition = {
  kind: 'aggregate',
  name: 'integral',
  check(args, context) {
    checkCountBetween('integral', args, [1, 2]);
    checkUnit(args, 'second argument must be a duration');
    context.symbol('integral', firstOf(args));
  },
  resultType(type) {
    numbersOnly('integral', type);
    return 'float';
  },
  reducer: (call) => new Integral(call),
};

interface Sample {
  readonly timeNs: bigint;
  readonly value: number;
}

class Integral implements WindowReducer {
  readonly #unitNs: number;
  readonly #hasWindows: boolean;
  readonly #isFloat: boolean;
  readonly #ascending: boolean;
  /** Points of the window at hand: its bounds are known only at its end. */
  #pending: Points[] = [];
  #heldBytes = 128;
  #before: Sample | undefined;
  #area = 0;
  /** Start and end in the direction of time. */
  #window: readonly [bigint, bigint] = [0n, 0n];

  constructor(call: PlannedCall) {
    this.#unitNs = Number(unitNs(call, secondNs));
    this.#hasWindows = call.intervalNs > 0n;
    this.#isFloat = call.argumentType === 'float';
    this.#ascending = call.ascending;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  add(points: Points): void {
    this.#pending.push(points);
    this.#heldBytes += 128 + points.timesNs.length * 16;
  }

  finish({ startNs, endNs }: Window): Points {
    const window = this.#ascending ? ([startNs, endNs] as const) : ([endNs, startNs] as const);
    const times: bigint[] = [];
    const areas: number[] = [];
    for (const { timesNs, values } of this.#pending) {
      const doubles = doublesOf(values);
      for (let i = 0; i < timesNs.length; i++) {
        const sample = { timeNs: timesNs[i] ?? 0n, value: doubles[i] ?? 0 };
        const closed = this.#take(sample, window);
        if (closed === undefined) continue;
        times.push(closed.timeNs);
        areas.push(closed.value);
      }
    }
    this.#pending = [];
    this.#heldBytes = 128;
    return pointsOf('float', times, areas);
  }

  /** A window that ends right at its last point has no area of its own. */
  end(): Points {
    const [startNs] = this.#window;
    const isEmpty = this.#before === undefined || this.#before.timeNs === startNs;
    return isEmpty ? pointsOf('float', [], []) : pointsOf('float', [startNs], [this.#area]);
  }

  /** The area of the window before when this point is the first beyond its end. */
  #take(sample: Sample, window: readonly [bigint, bigint]): Sample | undefined {
    const before = this.#before;
    this.#before = sample;
    if (before === undefined) {
      if (this.#hasWindows) this.#window = window;
      else if (!this.#isFloat) this.#window = [window[0] === minTimeNs ? 0n : window[0], 0n];
      return undefined;
    }
    if (before.timeNs === sample.timeNs) return undefined;
    const [startNs, endNs] = this.#window;
    const isBeyond =
      this.#hasWindows && (this.#ascending ? sample.timeNs >= endNs : sample.timeNs <= endNs);
    if (!isBeyond) {
      this.#area += this.#trapezoid(before, sample);
      return undefined;
    }
    const cut = before.timeNs === endNs ? before : crossing(before, sample, endNs);
    const closed = { timeNs: startNs, value: this.#area + this.#trapezoid(before, cut) };
    this.#window = window;
    const isCut = cut !== before;
    this.#area =
      isCut && !this.#isFloat
        ? this.#trapezoid({ ...before, timeNs: endNs }, { ...cut, timeNs: sample.timeNs })
        : this.#trapezoid(cut, sample);
    return closed;
  }

  #trapezoid(left: Sample, right: Sample): number {
    const elapsed = Number(right.timeNs - left.timeNs) / this.#unitNs;
    return 0.5 * (right.value + left.value) * elapsed;
  }
}

/** The point at a time of the straight line through two others. */
function crossing(left: Sample, right: Sample, timeNs: bigint): Sample {
  const slope = (right.value - left.value) / Number(right.timeNs - left.timeNs);
  return { timeNs, value: slope * Number(timeNs - left.timeNs) + left.value };
}
