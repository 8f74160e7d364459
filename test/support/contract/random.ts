import { expect, test } from 'vitest';
import { below, fraction, type Random } from '../../../src/env/random.ts';
import type { Run } from './harness.ts';

export function randomContract(name: string, run: Run<{ readonly random: Random }>): void {
  const draw = (random: Random): number[] => Array.from({ length: 8 }, () => random.u32());

  test(`${name}: draws are spread over 32 bits`, () =>
    run(async ({ random }) => {
      const buckets = new Uint32Array(16);
      for (let index = 0; index < 16_000; index++) {
        const value = random.u32();
        expect(Number.isInteger(value) && value >= 0 && value < 2 ** 32).toBe(true);
        const bucket = value >>> 28;
        buckets[bucket] = (buckets[bucket] ?? 0) + 1;
      }
      for (const count of buckets) expect(Math.abs(count - 1000)).toBeLessThan(250);
      expect(below(random, 1)).toBe(0);
      expect(fraction(random)).toBeLessThan(1);
      await Promise.resolve();
    }));

  test(`${name}: a fork depends on its label, not on the draws before`, () =>
    run(async ({ random }) => {
      const first = draw(random.fork('a'));
      random.u32();
      expect(draw(random.fork('a'))).toEqual(first);
      expect(draw(random.fork('b'))).not.toEqual(first);
      expect(draw(random.fork('a').fork('a'))).not.toEqual(first);
      await Promise.resolve();
    }));
}
