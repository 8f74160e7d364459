import { expect, test } from 'vitest';
import { runLateHints } from './cluster/run-late-hints.ts';
import { searchSeeds } from './cluster/search-plant.ts';

test.each([1, 2, 3])(
  'late hints: one that was written over meanwhile does not come over what is later (seed %i)',
  async (seed) => {
    expect(await runLateHints(seed)).toBe(8);
  },
);

test.each([3, 4, 5])(
  'late hints: where the log does not go back so far the other owners tell what is later (seed %i)',
  async (seed) => {
    expect(await runLateHints(seed, { logKeptBytes: 0 })).toBe(8);
  },
);

test('late hints: the simulation catches log-let-go', async () => {
  const plant = 'log-let-go';
  expect(await searchSeeds(plant, 3, (seed) => runLateHints(seed, { plant }))).toMatch(/^in round \d d\d could not tell which is later$/); // prettier-ignore
});

test('late hints: the simulation catches unclear-unasked', async () => {
  const plant = 'unclear-unasked';
  expect(await searchSeeds(plant, 3, (seed) => runLateHints(seed, { plant, logKeptBytes: 0 }))).toMatch(/^in round \d d\d has v=\d+i, not v=\d+i$/); // prettier-ignore
});
