import { expect, test } from 'vitest';
import { leavePlants } from './cluster/plants.ts';
import { runLeaves } from './cluster/run-leaves.ts';
import { searchSeeds } from './cluster/search-plant.ts';

test('leaves: a node that ends while it erases what it has answers for none of it', async () => {
  const { ended, wentOn, answers } = await runLeaves(1);
  expect(ended).toBeGreaterThan(0);
  expect(wentOn).toBeGreaterThan(0);
  expect(answers).toBeGreaterThan(20);
});

test.each(leavePlants)('leaves: the simulation catches %s', async (plant) => {
  expect(await searchSeeds(plant, 1, (seed) => runLeaves(seed, { plant }))).toMatch(
    /answers with \d+ of 48 points/,
  );
});
