import { expect, test } from 'vitest';
import { isDbError } from '../../src/base/errors.ts';
import { storePlants, type StorePlant } from './store/plants-store.ts';
import { runPlanner } from './store/run-planner.ts';
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

test('store: seeds lose and bring back nothing of a shard that is compacted level by level', async () => {
  const sums: Record<string, number> = {};
  for (let seed = 1; seed <= 4; seed++) {
    const counts = await runPlanner(seed).catch((error: unknown) => {
      throw new Error(`npm run sim -- --of planner --seed ${seed} --count 1`, { cause: error });
    });
    for (const [kind, count] of Object.entries<number>({ ...counts }))
      sums[kind] = (sums[kind] ?? 0) + count;
  }
  for (const kind of [
    'write',
    'late',
    'delete',
    'flush',
    'level2',
    'level3',
    'level4',
    'copy',
    'swap',
    'failed',
    'cutOff',
  ])
    // prettier-ignore
    expect(sums[kind], kind).toBeGreaterThan(0);
  expect(sums['unclear']).toBeLessThan(2);
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
  'files-by-level': /lacking points.*that nobody wrote/,
};
/** What needs files of several levels. */
const levelPlants: readonly StorePlant[] = ['files-by-level'];
const seedsMax = 12;

test.each(storePlants)('store: the simulation catches %s', async (plant) => {
  const run = levelPlants.includes(plant) ? runPlanner : runStore;
  let caught: Error | undefined;
  for (let seed = 1; seed <= seedsMax && caught === undefined; seed++)
    await run(seed, { plant }).catch((error: unknown) => {
      caught = error as Error;
    });
  // By a checker.
  expect([caught?.name, isDbError(caught)], caught?.stack).toEqual(['Error', false]);
  expect(caught?.message).toMatch(foundBy[plant]);
});
