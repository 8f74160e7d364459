import { expect, test } from 'vitest';
import { runCopies } from './cluster/run-copies.ts';

test('copies: shards go from node to node under load, and every owner has all that was acknowledged', async () => {
  const { acknowledged, copied } = await runCopies(1, { hasFaults: false, faultsMs: 10_000 });
  expect(acknowledged).toBeGreaterThan(200);
  expect(copied).toBeGreaterThan(5);
});

test.each([1, 2, 3])(
  'copies: the same with nodes that end and are cut off, seed %i',
  async (seed) => {
    const { acknowledged, copied } = await runCopies(seed);
    expect(acknowledged).toBeGreaterThan(50);
    expect(copied).toBeGreaterThan(0);
  },
);
