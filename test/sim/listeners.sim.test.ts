import { expect, test } from 'vitest';
import { listenerPlants, runListeners } from './cluster/run-listeners.ts';

test('listeners: what a node takes by TCP is written in order and once, senders wait, and what it counts survives a crash', async () => {
  const { acknowledged, held } = await runListeners(1);
  expect(acknowledged).toBeGreaterThan(200);
  expect(held).toBeGreaterThan(20);
});

const found = {
  'senders-not-held': /^d1 holds \d+ points, and may/,
  'batches-told-early': /points that were counted as written are lost/,
};

test.each(listenerPlants)('listeners: the simulation catches %s', async (plant) => {
  await expect(runListeners(1, { plant })).rejects.toThrow(found[plant]);
});
