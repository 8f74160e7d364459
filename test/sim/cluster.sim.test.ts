import { expect, test } from 'vitest';
import { plants } from './cluster/plants.ts';
import { runElections } from './cluster/run-elections.ts';
import { runPlanted } from './cluster/run-planted.ts';
import { runSeed } from './cluster/run-seed.ts';

test.each([1, 2, 3])('cluster: seed %i keeps every promise under random faults', async (seed) => {
  const result = await runSeed(seed, { faultsMs: 20_000 });
  expect(result.acknowledged).toBeGreaterThan(50);
  expect(result.faults.crash).toBeGreaterThan(0);
});

test('metas: elections among crashes and delays keep one leader a term', async () => {
  for (let seed = 1; seed <= 5; seed++) await runElections(seed);
});

test('cluster: a seed replays to the same trace', async () => {
  const first = await runSeed(4, { faultsMs: 5_000 });
  expect((await runSeed(4, { faultsMs: 5_000 })).traceHash).toBe(first.traceHash);
});

/** Seeds at which the search of `npm run sim:planted` found each bug. */
const caughtAt = { 'ack-before-fsync': 1, 'vote-not-persisted': 2, 'lost-retry': 1 } as const;

test.each(plants)('cluster: the simulation catches %s', async (plant) => {
  await expect(runPlanted(caughtAt[plant], plant)).rejects.toThrow();
});
