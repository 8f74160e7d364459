import { expect, test } from 'vitest';
import { putBackPlants } from './cluster/plants.ts';
import { runPutBack } from './cluster/run-put-back.ts';
import { searchSeeds } from './cluster/search-plant.ts';

test('put back: metas that have forgotten what they told data nodes decide nothing, and nothing is lost', async () => {
  const { weeks, refused, answers } = await runPutBack(1);
  expect(weeks).toBeGreaterThan(1);
  expect(refused).toBeGreaterThan(3);
  expect(answers).toBeGreaterThan(3);
});

test.each(putBackPlants)('put back: the simulation catches %s', async (plant) => {
  expect(await searchSeeds(plant, 1, (seed) => runPutBack(seed, { plant }))).toMatch(
    /^(the metas decide what data nodes know otherwise|an answer has \d of \d weeks)$/,
  );
});
