import { expect, test } from 'vitest';
import { LaggingOwners } from './lagging-owners.ts';

test('lagging owners: an owner is behind until it has all that clients were told of', () => {
  const lagging = new LaggingOwners(
    () => true,
    () => 0,
  );
  const one = lagging.add(7, 4);
  const two = lagging.add(7, 4);
  one.caughtUp();
  one.caughtUp();
  expect(lagging.missedAt(7, 4)).toBeGreaterThan(0);
  expect([lagging.missedAt(7, 5), lagging.missedAt(8, 4)]).toEqual([0, 0]);
  two.caughtUp();
  expect(lagging.missedAt(7, 4)).toBe(0);
});

test('lagging owners: of owners that all lack something the one that missed it last has least', () => {
  const lagging = new LaggingOwners(
    () => true,
    () => 0,
  );
  lagging.addLost(7, 4);
  const lag = lagging.add(7, 5);
  expect(lagging.missedAt(7, 4)).toBeLessThan(lagging.missedAt(7, 5));
  lagging.addLost(7, 4);
  expect(lagging.missedAt(7, 4)).toBeGreaterThan(lagging.missedAt(7, 5));
  lag.caughtUp();
  expect(lagging.missedAt(7, 5)).toBe(0);
});

test('lagging owners: what is queued counts until the queue has been drained', () => {
  const lagging = new LaggingOwners(
    () => true,
    () => 0,
  );
  lagging.addQueued(7, 4);
  const lag = lagging.add(7, 4);
  lag.caughtUp();
  expect(lagging.missedAt(7, 4)).toBeGreaterThan(0);
  lagging.drained(7, 4);
  expect(lagging.missedAt(7, 4)).toBe(0);
});

test('lagging owners: what is queued behind other writes is missed from then on', () => {
  const lagging = new LaggingOwners(
    () => true,
    () => 0,
  );
  lagging.addQueued(7, 4);
  const own = lagging.add(7, 6);
  const lag = lagging.add(7, 4);
  lag.wasQueued();
  // Node 6 lacks an earlier write only, and acknowledged the one that waits for node 4.
  expect(lagging.missedAt(7, 4)).toBeGreaterThan(lagging.missedAt(7, 6));
  own.caughtUp();
  const late = lagging.add(7, 4);
  lagging.drained(7, 4);
  late.wasQueued();
  expect(lagging.missedAt(7, 4)).toBe(0);
});

test('lagging owners: what is lost is remembered while the shard is there', () => {
  const gone = new Set<number>();
  const lagging = new LaggingOwners(
    (shardId) => !gone.has(shardId),
    () => 0,
  );
  lagging.addLost(1, 4);
  lagging.drained(1, 4);
  expect(lagging.missedAt(1, 4)).toBeGreaterThan(0);
  gone.add(1);
  for (let shardId = 2; shardId <= 1_000; shardId++) lagging.addLost(shardId, 4);
  expect(lagging.missedAt(1, 4)).toBe(0);
  expect(lagging.missedAt(2, 4)).toBeGreaterThan(0);
});

test('lagging owners: what is lost can be told to others, by the node that lacks it', () => {
  const lagging = new LaggingOwners(
    () => true,
    () => 0,
  );
  lagging.addLost(7, 4);
  lagging.addLost(8, 4);
  lagging.addLost(7, 5);
  lagging.addQueued(9, 4);
  expect(lagging.lost).toEqual([
    { nodeId: 4, shardIds: [7, 8] },
    { nodeId: 5, shardIds: [7] },
  ]);
});

test('lagging owners: what another node keeps counts until it was asked afterwards and keeps it no more', () => {
  const lagging = new LaggingOwners(
    () => true,
    () => 0,
  );
  const before = lagging.now;
  lagging.addKept(7, 4, 9);
  lagging.addKept(7, 4, 8);
  expect(lagging.hasKept).toBe(true);
  lagging.keeperTold(9, before, () => false);
  lagging.keeperTold(9, lagging.now, (shardId, nodeId) => shardId === 7 && nodeId === 4);
  lagging.keeperTold(8, lagging.now, () => false);
  expect(lagging.missedAt(7, 4)).toBeGreaterThan(0);
  lagging.keeperTold(9, lagging.now, () => false);
  expect([lagging.missedAt(7, 4), lagging.hasKept]).toEqual([0, false]);
});

test('lagging owners: the first that is missed comes behind what waits elsewhere', () => {
  const lagging = new LaggingOwners(
    () => true,
    () => 0,
  );
  lagging.add(1, 2);
  expect(lagging.missedAt(1, 2)).toBeGreaterThan(1);
});

test('lagging owners: what an owner lacked in one cluster nobody lacks in the next', () => {
  const cluster = { id: 1n };
  const lagging = new LaggingOwners(
    () => true,
    () => 0,
    () => cluster.id,
  );
  const lag = lagging.add(8, 4);
  lagging.addLost(7, 4);
  cluster.id = 0n;
  expect(lagging.missedAt(7, 4)).toBeGreaterThan(0);
  cluster.id = 2n;
  expect(lagging.missedAt(7, 4)).toBe(0);
  expect(lagging.lost).toEqual([]);
  lag.wasQueued();
  expect(lagging.missedAt(8, 4)).toBe(0);
  lagging.addLost(7, 5);
  expect(lagging.lost).toEqual([{ nodeId: 5, shardIds: [7] }]);
});

test('lagging owners: what a node lacked goes with its copy, and not what waits for it', () => {
  const owners = new Set(['7 4', '7 5', '8 4']);
  const lagging = new LaggingOwners(
    () => true,
    () => 0,
  );
  for (const owner of owners) {
    const [shardId = 0, nodeId = 0] = owner.split(' ').map(Number);
    lagging.addLost(shardId, nodeId);
  }
  lagging.addQueued(8, 4);
  const isOwner = (shardId: number, nodeId: number): boolean => owners.has(`${shardId} ${nodeId}`);
  lagging.ownersChanged(isOwner);
  expect(lagging.lost.flatMap(({ shardIds }) => shardIds)).toEqual([7, 8, 7]);
  owners.delete('7 4');
  owners.delete('8 4');
  lagging.ownersChanged(isOwner);
  expect(lagging.lost).toEqual([{ nodeId: 5, shardIds: [7] }]);
  expect(lagging.missedAt(7, 4)).toBe(0);
  expect(lagging.missedAt(8, 4)).toBeGreaterThan(0);
  // Brought anew it lacks nothing that is known.
  owners.add('7 4');
  expect(lagging.missedAt(7, 4)).toBe(0);
});

test('lagging owners: a repair brings what was lost before it began, of its shard alone, and not what waits', () => {
  let nowMs = 100;
  const lagging = new LaggingOwners(
    () => true,
    () => nowMs,
  );
  for (const [shardId, nodeId] of [[7, 4], [7, 5], [8, 4]] as const) lagging.addLost(shardId, nodeId); // prettier-ignore
  lagging.addQueued(7, 5);
  // What is lost as it begins may be lost behind what it has looked at.
  lagging.repaired(7, 100);
  expect(lagging.lost.flatMap(({ shardIds }) => shardIds)).toEqual([7, 8, 7]);
  nowMs = 150;
  lagging.addLost(8, 5);
  lagging.repaired(7, 101);
  expect(lagging.lost).toEqual([
    { nodeId: 4, shardIds: [8] },
    { nodeId: 5, shardIds: [8] },
  ]);
  expect(lagging.missedAt(7, 4)).toBe(0);
  expect(lagging.missedAt(7, 5)).toBeGreaterThan(0);
  lagging.repaired(8, 140);
  expect(lagging.lost).toEqual([{ nodeId: 5, shardIds: [8] }]);
});
