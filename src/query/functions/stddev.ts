/**
 * stddev(): the standard deviation of a sample; NaN, which is shown as null, of a single value. The mean is made value by
 * value (B. P. Welford 1962) and the squares are summed in a second pass, as the reference's digits need it.
 */
import { numbersOnly } from './checks.ts';
import type { Cell } from './cells.ts';
import { foldFunction, type Fold } from './reducer.ts';

export const stddevFunction = foldFunction({
  name: 'stddev',
  resultType(type) {
    numbersOnly('stddev', type);
    return 'float';
  },
  fold: () => new Deviation(),
});

class Deviation implements Fold {
  #values: number[] = [];
  #mean = 0;

  get heldBytes(): number {
    return this.#values.length * 16;
  }

  take(value: Cell): void {
    const double = Number(value);
    this.#values.push(double);
    this.#mean += (double - this.#mean) / this.#values.length;
  }

  result(): number | undefined {
    const values = this.#values;
    const mean = this.#mean;
    this.#values = [];
    this.#mean = 0;
    if (values.length === 0) return undefined;
    if (values.length === 1) return Number.NaN;
    let squares = 0;
    for (const value of values) squares += (value - mean) * (value - mean);
    return Math.sqrt(squares / (values.length - 1));
  }
}
