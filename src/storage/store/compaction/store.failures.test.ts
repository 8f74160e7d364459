/** A shard.json that failed may be on the disk all the same: until another one is, what it names is not to be touched. */
import { expect, test } from 'vitest';
import { FailingDisk } from '../../../../test/support/failing-disk.ts';
import { batchOf, kept, openStore, readField } from '../../../../test/support/store-script.ts';
import { World } from '../../../../test/sim/world/world.ts';
import { isDbError } from '../../../base/errors.ts';
import type { Env } from '../../../env/env.ts';
import { compactionByHand } from '../store-options.ts';

const callsMax = 1_000;

/** What is shown after compactions that failed at call n and then at call m, and a crash; how many of the two calls were made. */
async function afterTwo(n: number, m: number): Promise<{ shown: string; failedCount: number }> {
  const world = new World(1);
  const node = world.addNode('a');
  const disk = new FailingDisk(node.env.disk, { failAt: Infinity, replaces: true });
  let failedCount = 0;
  const work = async (env: Env): Promise<void> => {
    const store = await openStore(disk, env.clock);
    for (const time of [1, 2, 3]) {
      await store.write(kept, batchOf(`m v=${time} ${time}`));
      await store.flush(kept.shardId);
    }
    for (const calls of [n, m]) {
      disk.failIn(calls);
      await store.compact(kept.shardId).catch((error: unknown) => {
        if (!isDbError(error, 'io_error')) throw error;
      });
      if (!disk.hasFailed) return;
      failedCount++;
    }
  };
  await world.complete(work(node.env));
  node.crash();
  node.restart();
  const { disk: next, clock } = node.env;
  const shown = async (): Promise<string> => {
    const store = await openStore(next, clock);
    return readField(store, 'm', 'v')
      .map(({ time, value }) => `${time}:${value}`)
      .join(' ');
  };
  return { shown: await world.complete(shown()), failedCount };
}

test('store: whatever the disk fails at in two compactions, all points are there after a crash', async () => {
  for (let n = 1; n < callsMax; n++)
    for (let m = 1; m < callsMax; m++) {
      const { shown, failedCount } = await afterTwo(n, m);
      expect(shown, `calls ${n} and ${m}`).toBe('1:1 2:2 3:3');
      if (failedCount === 0) return;
      if (failedCount === 1) break;
    }
});

test('store: whatever the disk fails at in a compaction, what it has written and nobody has does not stay', async () => {
  for (let n = 1; n < callsMax; n++) {
    const world = new World(1);
    const { disk: inner, clock } = world.addNode('a').env;
    const disk = new FailingDisk(inner, { failAt: Infinity });
    const work = async (): Promise<readonly string[]> => {
      const compaction = { ...compactionByHand, fileBytesMax: 1 };
      const store = await openStore(disk, clock, { compaction });
      for (const time of [1, 2, 3]) {
        const lines = ['m', 'n', 'o'].map((name) => `${name} v=${time} ${time}`);
        await store.write(kept, batchOf(lines.join('\n')));
        await store.flush(kept.shardId);
      }
      disk.failIn(n);
      await store.compact(kept.shardId).catch((error: unknown) => {
        if (!isDbError(error, 'io_error')) throw error;
      });
      await store.close();
      return (await inner.list('data/db/autogen/7')).map(({ name }) => name);
    };
    const names = await world.complete(work());
    expect(
      names.filter((name) => name.endsWith('.tsm.tmp')),
      `call ${n}`,
    ).toEqual([]);
    if (!disk.hasFailed) return;
  }
});
