import { expect, test } from 'vitest';
import { isDbError } from '../../src/base/errors.ts';
import { storePlants, type StorePlant } from './store/plants-store.ts';
import { runStore } from './store/run-store.ts';

test('store: seeds lose and bring back nothing, whenever the power goes', async () => {
  let cutOff = 0;
  let failed = 0;
  for (let seed = 1; seed <= 8; seed++) {
    const counts = await runStore(seed).catch((error: unknown) => {
      throw new Error(`npm run sim -- --of store --seed ${seed} --count 1`, { cause: error });
    });
    cutOff += counts.cutOff;
    failed += counts.failed;
    for (const kind of ['write', 'delete', 'flush', 'compact'] as const)
      expect(counts[kind], kind).toBeGreaterThan(2);
  }
  expect(cutOff).toBeGreaterThan(4);
  expect(failed).toBeGreaterThan(4);
});

/** What finds it. */
const foundBy: Readonly<Record<StorePlant, RegExp>> = {
  'compaction-not-synced': /cannot be read: .*\.tsm: \d+ bytes long/,
  'inputs-gone-early': /the file is gone/,
  'inputs-left-behind': /that are deleted/,
  'oldest-wins': /lacking points/,
  'tombstones-not-synced': /cannot be read: .*\.tombstone/,
  // What they were is in `shard.json`.
  'tombstones-replaced':
    /cannot be read: .*\.tombstone: (\d+ bytes long, was written with|the checksum does not match)/,
  'delete-not-marked': /lacking points|\.tombstone\.tmp$/,
  'segments-not-synced': /a crash has damaged: The index of a shard is damaged/,
  'gone-series-forgotten': /series that nobody wrote|series twice/,
  'segments-unlisted': /lacking series/,
};
const seedsMax = 12;

test.each(storePlants)('store: the simulation catches %s', async (plant) => {
  let caught: Error | undefined;
  for (let seed = 1; seed <= seedsMax && caught === undefined; seed++)
    await runStore(seed, { plant }).catch((error: unknown) => {
      caught = error as Error;
    });
  // By a checker.
  expect([caught?.name, isDbError(caught)], caught?.stack).toEqual(['Error', false]);
  expect(caught?.message).toMatch(foundBy[plant]);
});
