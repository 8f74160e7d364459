/** Running numbers that look back over a ring of the last values: see technical-averages.ts. */
import type { RunningNumber } from './technical-averages.ts';

/** The last values of a stream and a number that goes with each. Made as values come, so that a long period costs little. */
class Ring {
  readonly #size: number;
  readonly #values: number[] = [];
  readonly #steps: number[] = [];
  #newest = 0;

  constructor(size: number) {
    this.#size = size;
  }

  get size(): number {
    return this.#size;
  }

  get heldBytes(): number {
    return this.#values.length * 16;
  }

  get #oldest(): number {
    return this.#newest + 1 >= this.#size ? 0 : this.#newest + 1;
  }

  /** Slots that were never filled count as zero. */
  get newestValue(): number {
    return this.#values[this.#newest] ?? 0;
  }

  get oldestValue(): number {
    return this.#values[this.#oldest] ?? 0;
  }

  get oldestStep(): number {
    return this.#steps[this.#oldest] ?? 0;
  }

  /** Puts a value in the place of the oldest. */
  replace(value: number, step: number): void {
    const at = this.#oldest;
    while (this.#values.length < at) {
      this.#values.push(0);
      this.#steps.push(0);
    }
    this.#values[at] = value;
    this.#steps[at] = step;
    this.#newest = at;
  }
}

/** Rises less falls over rises and falls, in percent. */
export class MomentumOscillator implements RunningNumber {
  readonly #ring: Ring;
  #rises = 0;
  #falls = 0;
  #isFirst = true;

  constructor(period: number) {
    this.#ring = new Ring(period - 1);
  }

  get warmCount(): number {
    return this.#ring.size;
  }

  get heldBytes(): number {
    return this.#ring.heldBytes;
  }

  next(value: number): number {
    const step = this.#isFirst ? 0 : value - this.#ring.newestValue;
    this.#isFirst = false;
    if (step > 0) this.#rises += step;
    else if (step < 0) this.#falls -= step;
    const total = this.#rises + this.#falls;
    const result = total === 0 ? 0 : 100 * ((this.#rises - this.#falls) / total);
    const { oldestStep } = this.#ring;
    if (oldestStep > 0) this.#rises -= oldestStep;
    else if (oldestStep < 0) this.#falls += oldestStep;
    this.#ring.replace(value, step);
    return result;
  }
}

/** How straight the way was: its length as the crow flies over the length that was walked. */
export class EfficiencyRatio implements RunningNumber {
  readonly #ring: Ring;
  #walked = 0;
  #count = 0;

  constructor(period: number) {
    this.#ring = new Ring(period);
  }

  get warmCount(): number {
    return this.#ring.size;
  }

  get heldBytes(): number {
    return this.#ring.heldBytes;
  }

  get isWarm(): boolean {
    return this.#count === this.#ring.size + 1;
  }

  /** The value before the next one. */
  get lastValue(): number {
    return this.#ring.newestValue;
  }

  next(value: number): number {
    const flown = Math.abs(value - this.#ring.oldestValue);
    const step = Math.abs(value - this.#ring.newestValue);
    this.#walked -= this.#ring.oldestStep;
    this.#walked += step;
    this.#ring.replace(value, step);
    if (!this.isWarm) this.#count++;
    return flown === 0 || this.#walked === 0 ? 0 : flown / this.#walked;
  }
}

const slowWeight = 2 / (30 + 1);
/** From the slow weight to the fast one, 2 / 3, rounded once: 2 / 3 - 2 / 31 in floats is off by an ulp, and so would all answers be. */
const weightRange = 56 / 93;

/** An average that follows fast where the way is straight and slowly where it is not. */
export class AdaptiveAverage implements RunningNumber {
  readonly #efficiency: EfficiencyRatio;
  #last = 0;

  constructor(period: number) {
    this.#efficiency = new EfficiencyRatio(period);
  }

  get warmCount(): number {
    return this.#efficiency.warmCount;
  }

  get heldBytes(): number {
    return this.#efficiency.heldBytes;
  }

  next(value: number): number {
    if (!this.#efficiency.isWarm) this.#last = this.#efficiency.lastValue;
    const ratio = this.#efficiency.next(value);
    const step = ratio * weightRange + slowWeight;
    this.#last += step * step * (value - this.#last);
    return this.#last;
  }
}
