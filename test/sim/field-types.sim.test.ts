import { expect, test } from 'vitest';
import { typePlants } from './cluster/plants.ts';
import { runFieldTypes } from './cluster/run-field-types.ts';
import { searchSeeds } from './cluster/search-plant.ts';

test('field types: of two that nodes give a new field at once every owner has the same', async () => {
  for (const seed of [1, 2])
    expect(await runFieldTypes(seed)).toEqual({ contested: 24, refused: 24 });
});

test.each(typePlants)('field types: the simulation catches %s', async (plant) => {
  expect(await searchSeeds(plant, 1, (seed) => runFieldTypes(seed, { plant }))).toMatch(
    /^d\d has |types of x\d+ \d were refused$/,
  );
});
