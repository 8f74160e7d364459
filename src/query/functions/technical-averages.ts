/**
 * The running numbers of technical analysis (spec 6.4), one value in, one value out. `warmCount` is how many values come
 * before the first that is shown unless the call says so itself.
 *
 * Sources: Wilder, New Concepts in Technical Trading Systems (RSI); Kaufman, Trading Systems and Methods (ER, AMA);
 * Chande and Kroll, The New Technical Trader (CMO). Where the books leave room (the first values), the reference's choice.
 */
export interface RunningNumber {
  readonly warmCount: number;
  next(value: number): number;
}

/** How the first values count: as an exponential average of fewer values, or as a plain one. */
export type Warmup = 'exponential' | 'simple';

export class ExponentialAverage implements RunningNumber {
  readonly #period: number;
  readonly #weight: number;
  readonly #warmup: Warmup;
  #count = 0;
  last = 0;

  constructor(period: number, warmup: Warmup, weight = 2 / (period + 1)) {
    this.#period = period;
    this.#warmup = warmup;
    this.#weight = weight;
  }

  get warmCount(): number {
    return this.#period - 1;
  }

  get isWarm(): boolean {
    return this.#count === this.#period;
  }

  next(value: number): number {
    if (this.#count === 0) this.last = value;
    else if (this.isWarm) this.last += (value - this.last) * this.#weight;
    else if (this.#warmup === 'simple')
      this.last = (this.last * this.#count + value) / (this.#count + 1);
    else this.last += (value - this.last) * (2 / (this.#count + 2));
    if (this.#count < this.#period) this.#count++;
    return this.last;
  }
}

/** An average of an average, of an average: each is fed once the one before is warm, or at once when exponential. */
class AverageChain {
  readonly averages: readonly ExponentialAverage[];
  readonly #warmup: Warmup;

  constructor(period: number, warmup: Warmup, depth: number) {
    this.#warmup = warmup;
    this.averages = Array.from({ length: depth }, () => new ExponentialAverage(period, warmup));
  }

  get warmCount(): number {
    const each = this.averages[0]?.warmCount ?? 0;
    return this.#warmup === 'exponential' ? each : each * this.averages.length;
  }

  /** The averages one after the other; one that is not fed yet is that before it. */
  next(value: number): readonly number[] {
    const steps: number[] = [];
    let current = value;
    let isFed = true;
    for (const average of this.averages) {
      if (isFed) current = average.next(current);
      steps.push(current);
      isFed &&= average.isWarm || this.#warmup === 'exponential';
    }
    return steps;
  }
}

export class DoubleExponentialAverage implements RunningNumber {
  readonly #chain: AverageChain;

  constructor(period: number, warmup: Warmup) {
    this.#chain = new AverageChain(period, warmup, 2);
  }

  get warmCount(): number {
    return this.#chain.warmCount;
  }

  next(value: number): number {
    const [once = 0, twice = 0] = this.#chain.next(value);
    return 2 * once - twice;
  }
}

export class TripleExponentialAverage implements RunningNumber {
  readonly #chain: AverageChain;

  constructor(period: number, warmup: Warmup) {
    this.#chain = new AverageChain(period, warmup, 3);
  }

  get warmCount(): number {
    return this.#chain.warmCount;
  }

  next(value: number): number {
    const [once = 0, twice = 0, thrice = 0] = this.#chain.next(value);
    return 3 * once - 3 * twice + thrice;
  }
}

/** The change in percent of a triple average. */
export class TripleExponentialDerivative implements RunningNumber {
  readonly #chain: AverageChain;
  #last = 0;

  constructor(period: number, warmup: Warmup) {
    this.#chain = new AverageChain(period, warmup, 3);
  }

  get warmCount(): number {
    return this.#chain.warmCount + 1;
  }

  next(value: number): number {
    const average = this.#chain.next(value)[2] ?? 0;
    const rate = (average / this.#last - 1) * 100;
    this.#last = average;
    return rate;
  }
}

/** Averages of rises and of falls, by Wilder's weight. */
class RisesAndFalls {
  readonly rises: ExponentialAverage;
  readonly falls: ExponentialAverage;
  #last = 0;

  constructor(period: number, warmup: Warmup) {
    this.rises = new ExponentialAverage(period + 1, warmup, 1 / period);
    this.falls = new ExponentialAverage(period + 1, warmup, 1 / period);
  }

  next(value: number): void {
    this.rises.next(value > this.#last ? value - this.#last : 0);
    this.falls.next(value < this.#last ? this.#last - value : 0);
    this.#last = value;
  }
}

export class RelativeStrengthIndex implements RunningNumber {
  readonly #moves: RisesAndFalls;

  constructor(period: number, warmup: Warmup) {
    this.#moves = new RisesAndFalls(period, warmup);
  }

  get warmCount(): number {
    return this.#moves.rises.warmCount;
  }

  next(value: number): number {
    this.#moves.next(value);
    return 100 - 100 / (1 + this.#moves.rises.last / this.#moves.falls.last);
  }
}

/** Chande's oscillator over averages instead of sums. */
export class SmoothMomentumOscillator implements RunningNumber {
  readonly #moves: RisesAndFalls;

  constructor(period: number, warmup: Warmup) {
    this.#moves = new RisesAndFalls(period, warmup);
  }

  get warmCount(): number {
    return this.#moves.rises.warmCount;
  }

  next(value: number): number {
    this.#moves.next(value);
    const { rises, falls } = this.#moves;
    return 100 * ((rises.last - falls.last) / (rises.last + falls.last));
  }
}
