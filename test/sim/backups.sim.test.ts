import { expect, test } from 'vitest';
import { backupPlants } from './cluster/plants.ts';
import { runBackups } from './cluster/run-backups.ts';
import { searchSeeds } from './cluster/search-plant.ts';

test('backups: what was acknowledged before one began is in what is restored from it, under load', async () => {
  const { acknowledged, restored, answers } = await runBackups(1, {
    hasFaults: false,
    faultsMs: 1_000,
  });
  expect(acknowledged).toBeGreaterThan(200);
  expect(restored).toBeGreaterThan(2);
  expect(answers).toBeGreaterThan(2);
});

/** Seeds at which each bug is found, and by what. */
const caughtAt: Readonly<
  Record<(typeof backupPlants)[number], { readonly seed: number; readonly text: RegExp }>
> = {
  'archive-not-synced': { seed: 2, text: /a backup that has a manifest cannot be restored/ },
  'served-too-soon': { seed: 1, text: /an answer from r\d lacks/ },
  'one-owner-only': { seed: 1, text: /lacks .*, which was acknowledged before/ },
};

test.each(backupPlants)('backups: the simulation catches %s', async (plant) => {
  const { seed, text } = caughtAt[plant];
  expect(await searchSeeds(plant, seed, (at) => runBackups(at, { plant, faultsMs: 4_000 }))).toMatch(text); // prettier-ignore
});
