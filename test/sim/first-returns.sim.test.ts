import { expect, test } from 'vitest';
import { runFirstReturns } from './cluster/run-first-returns.ts';
import { searchSeeds } from './cluster/search-plant.ts';

test.each([1, 2, 3, 100_004])(
  'first returns: an owner that hears of a write by what is brought again has it at the end (seed %i)',
  async (seed) => {
    expect(await runFirstReturns(seed)).toBe(12);
  },
);

test('first returns: the simulation catches unclear-unasked', async () => {
  const plant = 'unclear-unasked';
  expect(await searchSeeds(plant, 1, (seed) => runFirstReturns(seed, { plant }))).toMatch(/^in round \d d\d has v=\d+i, not v=\d+i$/); // prettier-ignore
});
