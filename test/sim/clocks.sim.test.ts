import { expect, test } from 'vitest';
import { clockPlants } from './cluster/plants.ts';
import { runClocks } from './cluster/run-clocks.ts';
import { searchSeeds } from './cluster/search-plant.ts';

test.each([1, 2, 3, 4, 5, 6])(
  'clocks: what was written last shows, whatever the clocks of nodes are (seed %i)',
  async (seed) => {
    expect(await runClocks(seed)).toBe(72);
  },
);

test.each(clockPlants)('clocks: the simulation catches %s', async (plant) => {
  expect(await searchSeeds(plant, 1, (seed) => runClocks(seed, { plant }))).toMatch(
    /^d\d shows \[[\d,]*\] of (one|two) in round \d+, and not \[/,
  );
});
