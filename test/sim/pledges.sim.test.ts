import { expect, test } from 'vitest';
import { pledgePlants } from './cluster/plants.ts';
import { runPledges } from './cluster/run-pledges.ts';
import { searchSeeds } from './cluster/search-plant.ts';

test('pledges: a series is seen through every node once it is acknowledged, by whatever word others rely on', async () => {
  const { checked, unasked } = await runPledges(1);
  expect(checked).toBeGreaterThan(60);
  expect(unasked).toBeGreaterThan(40);
});

test('pledges: a series is seen through every node where its write is tried again at a node that was killed within it', async () => {
  const { checked } = await runPledges(1, { isCutShort: true });
  expect(checked).toBeGreaterThan(60);
});

/** Seeds at which each bug is found. */
const caughtAt: Readonly<Record<(typeof pledgePlants)[number], number>> = {
  'pledge-untold': 1,
  'pledge-held': 1,
  'pledge-outlived': 1,
  'pledge-forgotten': 1,
  'pledge-unrecorded': 1,
};

test.each(pledgePlants)('pledges: the simulation catches %s', async (plant) => {
  expect(await searchSeeds(plant, caughtAt[plant], (seed) => runPledges(seed, { plant }))).toMatch(/though late\w+ was acknowledged/); // prettier-ignore
});
