import { expect, test } from 'vitest';
import { ownWritePlants } from './cluster/plants.ts';
import { runOwnWrites } from './cluster/run-own-writes.ts';
import { searchSeeds } from './cluster/search-plant.ts';

test('own writes: a node shows what it has acknowledged, also while an owner that is back lacks it', async () => {
  const { reads } = await runOwnWrites(1);
  expect(reads).toBeGreaterThan(200);
});

test.each(ownWritePlants)('own writes: the simulation catches %s', async (plant) => {
  expect(await searchSeeds(plant, 1, (seed) => runOwnWrites(seed, { plant }))).toMatch(
    /^d\d shows \d of \d points/,
  );
});
