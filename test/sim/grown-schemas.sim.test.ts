import { expect, test } from 'vitest';
import { schemaPlants } from './cluster/plants.ts';
import { hostCount, runGrownSchemas, spread } from './cluster/run-grown-schemas.ts';

test('schemas that grow: a field and a measurement are seen through every node as soon as their write is acknowledged', async () => {
  await runGrownSchemas();
});

test('schemas that grow: the same where every node answers by itself', async () => {
  await runGrownSchemas({ replicaCount: 3 });
});

test.each(schemaPlants)('schemas that grow: the simulation catches %s', async (plant) => {
  await expect(runGrownSchemas({ plant })).rejects.toThrow(
    /^SELECT count\(\*\) FROM m at node \d is [81,]+, not [81,]+$/,
  );
});

test('schemas that grow: nodes are asked what they have once, as long as that does not change', async () => {
  const { world, at, write, count, describedCount } = await spread();
  const text = 'SELECT count(f) FROM m';
  for (let i = 0; i < 2; i++) {
    await world.complete(write(at(0), 'm', 'f'));
    await count(at(0), text);
  }
  const before = await describedCount();
  for (let i = 0; i < 5; i++) {
    await world.complete(write(at(i), 'm', 'f'));
    expect(await count(at(0), text)).toEqual([hostCount]);
  }
  // A shard that begins a new table of series counts its fields anew, once.
  expect((await describedCount()) - before).toBeLessThan(2);
  await world.complete(write(at(1), 'm', 'g'));
  expect(await count(at(0), 'SELECT count(*) FROM m')).toEqual([hostCount, hostCount]);
  expect(await describedCount()).toBeGreaterThan(before);
});
