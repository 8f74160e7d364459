import { expect, test } from 'vitest';
import { deadPlants } from './cluster/plants.ts';
import { runDeadCoordinators } from './cluster/run-dead-coordinators.ts';
import { searchSeeds } from './cluster/search-plant.ts';

test.each([1, 2, 3, 4])(
  'dead coordinators: what they had acknowledged gets to owners that they had not reached (seed %i)',
  async (seed) => {
    const { acknowledged, cutOff } = await runDeadCoordinators(seed);
    expect(acknowledged).toBe(27);
    expect(cutOff).toBeGreaterThan(10);
  },
);

test.each(deadPlants)('dead coordinators: the simulation catches %s', async (plant) => {
  expect(await searchSeeds(plant, 2, (seed) => runDeadCoordinators(seed, { plant }))).toMatch(
    /^in round \d d\d has \d+ of \d+ points of shard \d+$/,
  );
});
