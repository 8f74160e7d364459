/**
 * sample(): n points of the window by chance (reservoir sampling: J. S. Vitter, Random sampling with a reservoir, 1985).
 * Chance is drawn from the window's first point, so that all nodes, and the same query twice, see the same sample.
 */
import { Prng } from '../../base/prng.ts';
import { checkCount, firstOf, integerArgument, invalid } from './checks.ts';
import type { PlannedCall, Points, SelectorDefinition, Window, WindowReducer } from './function.ts';
import { pointAt, pointBytes, selectedPoints, type SelectedPoint } from './selected.ts';

export const sampleFunction: SelectorDefinition = {
  kind: 'selector',
  name: 'sample',
  merges: false,
  keepsTimes: true,
  check(args, context) {
    checkCount('sample', args, 2);
    const count = args[1];
    if (count?.kind !== 'integer') throw invalid('expected integer argument in sample()');
    if (count.value <= 0n)
      throw invalid(`sample window must be greater than 1, got ${count.value}`);
    context.symbol('sample', firstOf(args));
  },
  resultType: (type) => type,
  reducer: (call) => new Sample(call),
};

class Sample implements WindowReducer {
  readonly #call: PlannedCall;
  readonly #size: number;
  #chance: Prng | undefined;
  #points: SelectedPoint[] = [];
  #seenCount = 0;
  #heldBytes = 128;

  constructor(call: PlannedCall) {
    this.#call = call;
    this.#size = integerArgument(call.args, 1, 1);
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  add(points: Points): void {
    const { timesNs } = points;
    for (let i = 0; i < timesNs.length; i++) {
      this.#chance ??= Prng.fromSeed(Number(BigInt.asUintN(52, timesNs[i] ?? 0n)));
      this.#seenCount++;
      const isFilling = this.#points.length < this.#size;
      const at = isFilling
        ? this.#points.length
        : Math.floor((this.#chance.u32() / 2 ** 32) * this.#seenCount);
      if (at < this.#size) this.#put(at, pointAt(points, i));
    }
  }

  #put(at: number, point: SelectedPoint): void {
    const before = this.#points[at];
    this.#heldBytes += pointBytes(point) - (before === undefined ? 0 : pointBytes(before));
    this.#points[at] = point;
  }

  finish(_window: Window): Points {
    const sign = this.#call.ascending ? 1 : -1;
    const points = this.#points.sort((a, b) => sign * compareTimes(a.timeNs, b.timeNs));
    this.#points = [];
    this.#chance = undefined;
    this.#seenCount = 0;
    this.#heldBytes = 128;
    return selectedPoints(points, this.#call.argumentType, this.#call.auxTypes);
  }
}

/** Less than, equal to or greater than zero. */
export function compareTimes(left: bigint, right: bigint): number {
  return left < right ? -1 : Number(left > right);
}
