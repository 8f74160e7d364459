import { expect, test } from 'vitest';
import { NodeClock } from '../../../env/node/node-clock.ts';
import { ShardWork } from './shard-work.ts';

class HandClock extends NodeClock {
  nowMs = 1_000;
  override monotonicMs(): number {
    return this.nowMs;
  }
}

test('shard work: what runs, is done and has failed is told apart, under the names of the reference', async () => {
  const clock = new HandClock();
  const work = new ShardWork(clock);
  clock.nowMs += 500;
  await work.count('level2', () => {
    expect(work.engineValues()).toMatchObject({ tsmLevel2CompactionsActive: 1, tsmLevel2Compactions: 0 }); // prettier-ignore
    clock.nowMs += 20;
    return Promise.resolve();
  });
  const failing = work.count('flush', () => {
    expect(work.cacheValues()).toMatchObject({ snapshotCount: 1, cacheAgeMs: 520 });
    clock.nowMs += 7;
    return Promise.reject(new Error('disk'));
  });
  await expect(failing).rejects.toThrow('disk');
  clock.nowMs += 3;
  work.addFlushed(5);
  work.addFlushed(6);
  expect(work.cacheValues()).toEqual({
    WALCompactionTimeMs: 7,
    cacheAgeMs: 3,
    cachedBytes: 11,
    snapshotCount: 0,
  });
  const values = work.engineValues();
  expect(values).toMatchObject({
    cacheCompactions: 0,
    cacheCompactionErr: 1,
    cacheCompactionDuration: 7_000_000,
    tsmLevel2Compactions: 1,
    tsmLevel2CompactionsActive: 0,
    tsmLevel2CompactionDuration: 20_000_000,
    tsmFullCompactions: 0,
  });
  // As many as a real 1.12.4 shows.
  expect(Object.keys(values)).toHaveLength(29);
});
