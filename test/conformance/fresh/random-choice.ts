import { Prng } from '../../../src/base/prng.ts';

/** Draws for the generators of data and statements; the same seed gives the same ones everywhere. */
export class RandomChoice {
  readonly #prng: Prng;

  constructor(seed: number, label: string) {
    this.#prng = Prng.fromSeed(seed).fork(label);
  }

  /** An integer in [low, high]. */
  integer(low: number, high: number): number {
    return low + (this.#prng.u32() % (high - low + 1));
  }

  chance(share: number): boolean {
    return this.#prng.u32() / 2 ** 32 < share;
  }

  of<T>(items: readonly T[]): T {
    const item = items[this.#prng.u32() % items.length];
    if (item === undefined) throw new Error('nothing to choose from');
    return item;
  }

  /** `text` in `share` of the cases, nothing otherwise. */
  maybe(share: number, text: () => string): string {
    return this.chance(share) ? text() : '';
  }

  some<T>(items: readonly T[], countMax: number): T[] {
    const count = this.integer(1, countMax);
    return Array.from({ length: count }, () => this.of(items));
  }

  /** The same items in another order. */
  shuffled<T>(items: readonly T[]): T[] {
    const left = [...items];
    for (let end = left.length - 1; end > 0; end--) {
      const at = this.integer(0, end);
      [left[at], left[end]] = [left[end]!, left[at]!];
    }
    return left;
  }
}
