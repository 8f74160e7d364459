import { expect, test } from 'vitest';
import { latePlants } from './cluster/plants.ts';
import { runLateReturns } from './cluster/run-late-returns.ts';
import { searchSeeds } from './cluster/search-plant.ts';

test.each([1, 2, 3])(
  'late returns: what a node brings that was away does not come over what was written meanwhile (seed %i)',
  async (seed) => {
    expect(await runLateReturns(seed)).toBe(8);
  },
);

test.each(latePlants)('late returns: the simulation catches %s', async (plant) => {
  expect(await searchSeeds(plant, 3, (seed) => runLateReturns(seed, { plant }))).toMatch(/^in round \d d\d has v=\d+i, not v=\d+i$/); // prettier-ignore
});
