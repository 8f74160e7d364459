import { expect, test } from 'vitest';
import { runPlants } from './cluster/plants.ts';
import { runManyMeasurements } from './cluster/run-many-measurements.ts';

test('many measurements: each has its own points in one answer, all of them, also while a node goes down', async () => {
  const { compared, interrupted, refused } = await runManyMeasurements(1);
  expect(compared).toBe(12);
  expect(interrupted).toBe(16);
  expect(refused).toBeLessThan(9);
});

/** By what each bug is found, with seed 1. */
const caughtBy: Readonly<Record<(typeof runPlants)[number], RegExp>> = {
  'ends-shifted': /: m\d+ is .*, not \[\[/,
  'broken-run-ends': /while d\d went down: m\d+ is .*, not \[\[/,
};

test.each(runPlants)('many measurements: the simulation catches %s', async (plant) => {
  await expect(runManyMeasurements(1, { plant })).rejects.toThrow(caughtBy[plant]);
});
