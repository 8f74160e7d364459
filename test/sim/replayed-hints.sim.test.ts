import { expect, test } from 'vitest';
import { runReplayedHints } from './cluster/run-replayed-hints.ts';
import { searchSeeds } from './cluster/search-plant.ts';

test.each([1, 2])(
  'replayed hints: what the log brings in doubt after a kill the other owners are asked for (seed %i)',
  async (seed) => {
    expect(await runReplayedHints(seed)).toBe(8);
  },
);

test('replayed hints: the simulation catches replays-unasked', async () => {
  const plant = 'replays-unasked';
  expect(await searchSeeds(plant, 1, (seed) => runReplayedHints(seed, { plant }))).toMatch(/^in round \d d\d has v=\d+i, not v=\d+i$/); // prettier-ignore
});
