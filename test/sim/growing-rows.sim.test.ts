import { expect, test } from 'vitest';
import { growingPlants } from './cluster/plants.ts';
import { runGrowingRows } from './cluster/run-growing-rows.ts';
import { searchSeeds } from './cluster/search-plant.ts';

test('rows that bring a field: whoever reads while they are written sees them whole or not at all', async () => {
  const { wholeCount } = await runGrowingRows();
  expect(wholeCount).toBeGreaterThan(100);
});

test.each(growingPlants)('rows that bring a field: the simulation catches %s', async (plant) => {
  expect(await searchSeeds(plant, 7, (seed) => runGrowingRows({ plant, seed }))).toMatch(/ has \d+ of a and 0 of g\d+$/); // prettier-ignore
});
