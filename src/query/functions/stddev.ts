/**
 * stddev(): the standard deviation of a sample; NaN, which is shown as null, of a single value; NaN among others is passed over. The mean is made value by
 * value (B. P. Welford 1962) and the squares are summed in a second pass, as the reference's digits need it.
 */
import { numbersOnly } from './checks.ts';
import { doublesOf } from './cells.ts';
import type { Points } from './function.ts';
import { GatheredNumbers } from './gathered-numbers.ts';
import { columnFunction, type ColumnFold } from './reducer.ts';

export const stddevFunction = columnFunction({
  name: 'stddev',
  resultType(type) {
    numbersOnly('stddev', type);
    return 'float';
  },
  fold: () => new Deviation(),
});

class Deviation implements ColumnFold {
  readonly #values = new GatheredNumbers();
  #count = 0;
  #mean = 0;

  get heldBytes(): number {
    return this.#values.heldBytes;
  }

  take({ values }: Points): void {
    const doubles = doublesOf(values);
    this.#values.add(doubles);
    let mean = this.#mean;
    let count = this.#count;
    for (const double of doubles) if (!Number.isNaN(double)) mean += (double - mean) / ++count;
    this.#mean = mean;
    this.#count = count;
  }

  result(): number | undefined {
    const values = this.#values.take();
    const mean = this.#mean;
    const count = this.#count;
    this.#mean = 0;
    this.#count = 0;
    if (values.length === 0) return undefined;
    if (values.length === 1) return Number.NaN;
    let squares = 0;
    for (const value of values as Float64Array)
      if (!Number.isNaN(value)) squares += (value - mean) * (value - mean);
    return Math.sqrt(squares / (count - 1));
  }
}
