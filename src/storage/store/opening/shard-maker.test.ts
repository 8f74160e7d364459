import { expect, test } from 'vitest';
import { FailingDisk } from '../../../../test/support/failing-disk.ts';
import { batchOf, kept, openStore } from '../../../../test/support/store-script.ts';
import { World } from '../../../../test/sim/world/world.ts';

test('store: a shard that a full disk kept from being made leaves nothing once it is deleted', async () => {
  const world = new World(1);
  const { env } = world.addNode('a');
  const work = async (): Promise<number> => {
    const first = await openStore(env.disk, env.clock);
    await first.close();
    let failedCount = 0;
    for (let failAt = 1; ; failAt++) {
      const disk = new FailingDisk(env.disk, { failAt: Infinity, code: 'disk_full' });
      const store = await openStore(disk, env.clock);
      disk.failIn(failAt);
      const place = { ...kept, copyIndex: 5 };
      const isWritten = await store.write(place, batchOf('m v=1 1')).then(() => true, () => false); // prettier-ignore
      disk.failIn(Infinity);
      await store.deleteShard(kept.shardId);
      const left = await env.disk.list('data/db/autogen');
      expect(left.map(({ name }) => name).filter((name) => name === `${kept.shardId}`)).toEqual([]);
      await store.close();
      if (isWritten) return failedCount;
      failedCount++;
    }
  };
  expect(await world.complete(work())).toBeGreaterThan(5);
});

test.each([
  ['before its copy began', undefined, 5],
  ['for a copy', 5, undefined],
])(
  'store: a shard that could not be made %s is what the next attempt makes it, also over a restart',
  async (_when, first, next) => {
    const world = new World(1);
    const { env } = world.addNode('a');
    const work = async (): Promise<number> => {
      for (let failAt = 1; ; failAt++) {
        const shardId = kept.shardId + failAt;
        const disk = new FailingDisk(env.disk, { failAt: Infinity, code: 'io_error' });
        const store = await openStore(disk, env.clock);
        disk.failIn(failAt);
        const made = store.transfers.expectCopy({ ...kept, shardId, copyIndex: first });
        const isMade = await made.then(() => true, () => false); // prettier-ignore
        disk.failIn(Infinity);
        if (isMade) return failAt;
        await store.transfers.expectCopy({ ...kept, shardId, copyIndex: next });
        const isAwaited = (): boolean => store.facts.awaitingIds.includes(shardId);
        expect(isAwaited(), `call ${failAt}`).toBe(next !== undefined);
        await store.close();
        const again = await openStore(env.disk, env.clock);
        await again.whenOpen([shardId]);
        expect(again.facts.awaitingIds.includes(shardId), `call ${failAt}`).toBe(
          next !== undefined,
        );
        await again.close();
      }
    };
    expect(await world.complete(work())).toBeGreaterThan(5);
  },
);
