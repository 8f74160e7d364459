/** More seeds of runs whose first one, or whose planted bugs, are in the lane `sim`: each keeps all promises, or its run throws. */
import { expect, test } from 'vitest';
import { rarePlants, type Plant } from './cluster/plants.ts';
import { runAnswers } from './cluster/run-answers.ts';
import { runBackups } from './cluster/run-backups.ts';
import { runCopies } from './cluster/run-copies.ts';
import { runPlans } from './cluster/run-plans.ts';
import { runRepairs } from './cluster/run-repairs.ts';
import { searchPlant } from './cluster/search-plant.ts';

const faultsMs = 10_000;

test.each([2, 3])('copies: among nodes that end and are cut off, seed %i', async (seed) => {
  const { acknowledged, copied } = await runCopies(seed, { faultsMs });
  expect(acknowledged).toBeGreaterThan(50);
  expect(copied).toBeGreaterThan(0);
});

test('copies: hints that wait both ways between owners that joined are passed on once, seed 702', async () => {
  const { acknowledged, copied } = await runCopies(702);
  expect(acknowledged).toBeGreaterThan(50);
  expect(copied).toBeGreaterThan(0);
});

test.each([1, 4])('plans: among nodes that end and are cut off, seed %i', async (seed) => {
  const { acknowledged, moved } = await runPlans(seed, { faultsMs });
  expect(acknowledged).toBeGreaterThan(50);
  expect(moved).toBeGreaterThan(0);
});

test('plans: over shards of which most are not written to, seed 100', async () => {
  const { acknowledged, moved } = await runPlans(100, { hasQuiet: true, faultsMs: 16_000 });
  expect(acknowledged).toBeGreaterThan(50);
  expect(moved).toBeGreaterThan(0);
});

test('backups: among nodes and clients that end and are cut off; what was interrupted goes on, seeds 2, 14 and 18', async () => {
  const sums = { acknowledged: 0, restored: 0, failed: 0, resumed: 0 };
  for (const seed of [2, 14, 18]) {
    const result = await runBackups(seed, { faultsMs: 4_000 });
    sums.acknowledged += result.acknowledged;
    sums.restored += result.restored;
    sums.failed += result.failed;
    sums.resumed += result.resumed;
  }
  expect(sums.acknowledged).toBeGreaterThan(1_000);
  expect(sums.restored).toBeGreaterThan(4);
  expect(sums.failed).toBeGreaterThan(0);
  expect(sums.resumed).toBeGreaterThan(0);
});

test('repairs: among nodes that end and are cut off, seed 12', async () => {
  const { acknowledged, losses, valuesBrought } = await runRepairs(12, { faultsMs });
  expect(acknowledged).toBeGreaterThan(200);
  expect(losses).toBeGreaterThan(1);
  expect(valuesBrought).toBeGreaterThan(100);
});

test.each([2, 4])('cluster: seed %i has one answer, whatever node is asked', async (seed) => {
  const { compared, full } = await runAnswers(seed, 60);
  expect(compared).toBeGreaterThan(300);
  expect(full).toBeGreaterThan(15);
});

/** Seeds at which searches begin; each takes some seconds. */
const searchMsMax = 600_000;
const rareAt: Readonly<Partial<Record<Plant, number>>> = { 'deletes-return': 30 };

test.each(rarePlants)(
  'cluster: the simulation catches %s',
  async (plant) => {
    expect(await searchPlant(plant, rareAt[plant] ?? 1)).toMatch(/which was deleted after/);
  },
  searchMsMax,
);
