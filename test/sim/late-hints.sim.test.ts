import { expect, test } from 'vitest';
import { lateHintPlants } from './cluster/plants.ts';
import { runLateHints } from './cluster/run-late-hints.ts';

test.each([1, 2, 3])(
  'late hints: one that was written over meanwhile does not come over what is later (seed %i)',
  async (seed) => {
    expect(await runLateHints(seed)).toBe(8);
  },
);

test.each(lateHintPlants)('late hints: the simulation catches %s', async (plant) => {
  await expect(runLateHints(3, { plant })).rejects.toThrow(/^in round \d d\d has v=\d+i, not v=\d+i$/); // prettier-ignore
});
