import { expect, test } from 'vitest';
import { listPlants } from './cluster/plants.ts';
import { runGrownLists } from './cluster/run-grown-lists.ts';

test('lists that grow: a series, a field and a measurement are listed through every node as soon as their write is acknowledged', async () => {
  await runGrownLists();
});

test('lists that grow: the same where every node answers by itself', async () => {
  await runGrownLists({ replicaCount: 3 });
});

test.each(listPlants)('lists that grow: the simulation catches %s', async (plant) => {
  await expect(runGrownLists({ plant })).rejects.toThrow(/^SHOW .* at node \d is .*, not /);
});
