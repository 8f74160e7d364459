import { expect, test } from 'vitest';
import { killPlants } from './cluster/plants.ts';
import { runKills } from './cluster/run-kills.ts';
import { searchSeeds } from './cluster/search-plant.ts';

test('kills: a query that waits for a node ends within a second, whoever kills it', async () => {
  const { killed, remote } = await runKills(1);
  expect(killed).toBe(10);
  expect(remote).toBeGreaterThan(3);
});

test.each(killPlants)('kills: the simulation catches %s', async (plant) => {
  expect(await searchSeeds(plant, 1, (seed) => runKills(seed, { plant }))).toMatch(
    /^a query of d\d goes on after it was killed$/,
  );
});
