import { expect, test } from 'vitest';
import { answerPlants } from './cluster/plants.ts';
import { runChangedAnswers } from './cluster/run-changed-answers.ts';
import { searchSeeds } from './cluster/search-plant.ts';

test('answers: what is deleted is gone everywhere, and a crash in the middle of an answer changes nothing', async () => {
  const { deletes, interrupted } = await runChangedAnswers(3);
  expect(deletes).toBeGreaterThan(10);
  expect(interrupted).toBeGreaterThan(10);
});

/** Seeds at which each bug is found. */
const caughtAt: Readonly<
  Record<(typeof answerPlants)[number], { readonly seed: number; readonly text: RegExp }>
> = {
  'broken-stream-ends': { seed: 5, text: /while d. went down/ },
  'deletes-forgotten': { seed: 1, text: /after DELETE/ },
};

test.each(answerPlants)('answers: the simulation catches %s', async (plant) => {
  const { seed, text } = caughtAt[plant];
  expect(await searchSeeds(plant, seed, (at) => runChangedAnswers(at, { plant }))).toMatch(text);
});
