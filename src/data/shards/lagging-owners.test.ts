import { expect, test } from 'vitest';
import { LaggingOwners } from './lagging-owners.ts';

test('lagging owners: an owner is behind until it has all that clients were told of', () => {
  const lagging = new LaggingOwners(() => true);
  const one = lagging.add(7, 4);
  const two = lagging.add(7, 4);
  one.caughtUp();
  one.caughtUp();
  expect(lagging.isBehind(7, 4)).toBe(true);
  expect(lagging.isBehind(7, 5)).toBe(false);
  expect(lagging.isBehind(8, 4)).toBe(false);
  two.caughtUp();
  expect(lagging.isBehind(7, 4)).toBe(false);
});

test('lagging owners: what is lost is remembered while the shard is there', () => {
  const gone = new Set<number>();
  const lagging = new LaggingOwners((shardId) => !gone.has(shardId));
  lagging.addLost(1, 4);
  const lag = lagging.add(1, 4);
  lag.caughtUp();
  expect(lagging.isBehind(1, 4)).toBe(true);
  gone.add(1);
  for (let shardId = 2; shardId <= 1_000; shardId++) lagging.addLost(shardId, 4);
  expect(lagging.isBehind(1, 4)).toBe(false);
  expect(lagging.isBehind(2, 4)).toBe(true);
});
