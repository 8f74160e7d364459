import { expect, test } from 'vitest';
import { MiB } from '../../base/units.ts';
import { IdleGarbage } from './idle-garbage.ts';

/** A thread of which a test says what it holds, and of that what is used. */
function thread() {
  const state = { heldBytes: 0, usedBytes: 0, busyShare: 0, collectedCount: 0 };
  const garbage = new IdleGarbage({
    heldBytes: () => state.heldBytes,
    busyShare: () => state.busyShare,
    collect: () => {
      state.collectedCount++;
      state.heldBytes = state.usedBytes;
    },
  });
  return { state, garbage };
}

test('idle garbage: what a busy thread has made is collected once it is quiet, and once', () => {
  const { state, garbage } = thread();
  Object.assign(state, { heldBytes: 300 * MiB, usedBytes: 10 * MiB, busyShare: 0.3 });
  garbage.look();
  expect(state.collectedCount).toBe(0);
  state.busyShare = 0;
  for (let i = 0; i < 5; i++) garbage.look();
  expect([state.collectedCount, state.heldBytes]).toEqual([1, 10 * MiB]);
  state.heldBytes = 40 * MiB;
  garbage.look();
  expect(state.collectedCount).toBe(1);
  state.heldBytes = 100 * MiB;
  garbage.look();
  expect(state.collectedCount).toBe(2);
});

test('idle garbage: what is used is looked through once', () => {
  const { state, garbage } = thread();
  Object.assign(state, { heldBytes: 300 * MiB, usedBytes: 300 * MiB });
  for (let i = 0; i < 5; i++) garbage.look();
  expect(state.collectedCount).toBe(1);
  // Much of it has gone by itself, and as much has come again.
  state.heldBytes = 20 * MiB;
  garbage.look();
  state.heldBytes = 90 * MiB;
  garbage.look();
  expect(state.collectedCount).toBe(2);
});

test('idle garbage: buffers of this thread that nobody uses are given back', async () => {
  const held = () => process.memoryUsage().arrayBuffers;
  const before = held();
  // They have survived some small collections, as blocks of a long answer have.
  const make = (): number => Array.from({ length: 96 }, () => new Uint8Array(MiB)).length;
  expect(make()).toBe(96);
  const garbage = new IdleGarbage();
  garbage.look();
  // A thread that gets the processor late looks busy for as long.
  await expect
    .poll(
      () => {
        garbage.look();
        return held() - before;
      },
      { timeout: 30_000 },
    )
    .toBeLessThan(16 * MiB);
});
