import { expect, test } from 'vitest';
import { sharePlants } from './cluster/plants.ts';
import { runSharedAnswers } from './cluster/run-shared-answers.ts';
import { searchSeeds } from './cluster/search-plant.ts';

test('shared answers: what nodes answer by themselves is what one makes of all blocks, also while a node goes down', async () => {
  const { compared, shared, gathered, interrupted } = await runSharedAnswers(1, 20);
  expect(compared).toBeGreaterThan(55);
  expect(shared).toBeGreaterThan(40);
  expect(gathered).toBeGreaterThan(20);
  expect(interrupted).toBeGreaterThan(6);
});

/** Seeds at which each bug is found. */
const caughtAt: Readonly<
  Record<(typeof sharePlants)[number], { readonly seed: number; readonly text: RegExp }>
> = {
  'groups-untold': { seed: 1, text: /answers late\d, which was written/ },
  'schemas-untold': { seed: 1, text: /answers .*, not /s },
  'feeds-cut': { seed: 11, text: /while d\d went down/ },
  'series-untold': { seed: 1, text: /answers late\d, which was written/ },
};

test.each(sharePlants)('shared answers: the simulation catches %s', async (plant) => {
  const { seed, text } = caughtAt[plant];
  expect(await searchSeeds(plant, seed, (at) => runSharedAnswers(at, 0, { plant }))).toMatch(text);
});
