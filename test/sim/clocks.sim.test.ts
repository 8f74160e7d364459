import { expect, test } from 'vitest';
import { clockPlants } from './cluster/plants.ts';
import { runClocks } from './cluster/run-clocks.ts';

test.each([1, 2, 3, 4, 5, 6])(
  'clocks: what was written last shows, whatever the clocks of nodes are (seed %i)',
  async (seed) => {
    expect(await runClocks(seed)).toBe(72);
  },
);

test.each(clockPlants)('clocks: the simulation catches %s', async (plant) => {
  await expect(runClocks(1, { plant })).rejects.toThrow(
    /^d\d shows \[[\d,]*\] of (one|two) in round \d+, and not \[/,
  );
});
