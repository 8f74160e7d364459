import { expect, test } from 'vitest';
import { runCopies } from './cluster/run-copies.ts';
import { fullCopyPlants } from './cluster/plants.ts';
import { runFullCopies } from './cluster/run-full-copies.ts';
import { runPlans } from './cluster/run-plans.ts';
import { runSilence } from './cluster/run-silence.ts';
import { searchSeeds } from './cluster/search-plant.ts';

test('copies: shards go from node to node under load, and every owner has all that was acknowledged', async () => {
  const { acknowledged, copied, deletes } = await runCopies(1, {
    hasFaults: false,
    faultsMs: 4_000,
  });
  expect(acknowledged).toBeGreaterThan(200);
  expect(copied).toBeGreaterThan(3);
  expect(deletes).toBeGreaterThan(3);
});

test('copies: a destination whose disk is full is left without an owner and files, and takes the shard once it has room', async () => {
  const { acknowledged, deletes, copied, refused } = await runFullCopies(4);
  expect(acknowledged).toBeGreaterThan(200);
  expect(deletes).toBeGreaterThan(3);
  expect(copied).toBeGreaterThan(1);
  expect(refused).toBeGreaterThan(2);
});

/** Seeds at which each bug is found, and by what. */
const caughtAt: Readonly<
  Record<(typeof fullCopyPlants)[number], { readonly seed: number; readonly text: RegExp }>
> = {
  'staging-kept': { seed: 1, text: /a copy has left \d+.*staging/ },
};

test.each(fullCopyPlants)('copies: the simulation catches %s', async (plant) => {
  const { seed, text } = caughtAt[plant];
  expect(await searchSeeds(plant, seed, (at) => runFullCopies(at, { plant }))).toMatch(text);
});

test('plans: nodes are emptied and filled under load, and no shard has an owner less meanwhile', async () => {
  const { acknowledged, ended, moved } = await runPlans(1, { hasFaults: false, faultsMs: 16_000 });
  expect(acknowledged).toBeGreaterThan(200);
  expect(ended).toBeGreaterThan(2);
  expect(moved).toBeGreaterThan(5);
});

test('plans: what a silent node owned is brought to others, and what one owns that comes back in time stays', async () => {
  const gone = await runSilence(1, { isShort: false });
  expect(gone.acknowledged).toBeGreaterThan(50);
  expect(gone.before).toBeGreaterThan(0);
  expect(gone.after).toBe(0);
  const back = await runSilence(1, { isShort: true });
  expect(back.before).toBeGreaterThan(0);
  expect(back.after).toBe(back.before);
});
