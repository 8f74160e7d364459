import { expect, test } from 'vitest';
import { runFailedHints } from './cluster/run-failed-hints.ts';
import { searchSeeds } from './cluster/search-plant.ts';

test.each([1, 2])(
  'failed hints: what the disk failed to take is taken as it comes again (seed %i)',
  async (seed) => {
    expect(await runFailedHints(seed)).toBe(8);
  },
);

test('failed hints: the simulation catches failures-forgotten', async () => {
  const plant = 'failures-forgotten';
  expect(await searchSeeds(plant, 1, (seed) => runFailedHints(seed, { plant }))).toMatch(/^in round \d d\d has v=\d+i, not v=\d+i$/); // prettier-ignore
});
