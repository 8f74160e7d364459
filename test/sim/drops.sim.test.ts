import { expect, test } from 'vitest';
import { dropPlants } from './cluster/plants.ts';
import { runDrops } from './cluster/run-drops.ts';
import { searchSeeds } from './cluster/search-plant.ts';

test('drops: what is written after a drop is there, and no write is refused for a shard that went', async () => {
  const { during, after } = await runDrops(1);
  expect(during).toBeGreaterThan(100);
  expect(after).toBeGreaterThan(40);
});

test.each(dropPlants)('drops: the simulation catches %s', async (plant) => {
  expect(await searchSeeds(plant, 2, (seed) => runDrops(seed, { plant }))).toMatch(/which was acknowledged by d\d after the drop$/); // prettier-ignore
});
