import { expect, test } from 'vitest';
import { batchOf, kept, openStore } from '../../../../test/support/store-script.ts';
import { World } from '../../../../test/sim/world/world.ts';

test('store: what a full disk does not take is known until it takes it again', async () => {
  const world = new World(1);
  const { env, drive } = world.addNode('a');
  let time = 0;
  const write = (store: Awaited<ReturnType<typeof openStore>>, shardId: number) =>
    store.write({ ...kept, shardId }, batchOf(`m v=1 ${++time}`));
  const work = async (): Promise<void> => {
    const store = await openStore(env.disk, env.clock);
    const failing = () => store.facts.health.failing;
    await write(store, kept.shardId);
    expect(failing()).toEqual([]);
    drive.capacityBytes = 0;
    await expect(write(store, kept.shardId)).rejects.toThrow('ENOSPC');
    await expect(write(store, kept.shardId + 1)).rejects.toThrow('ENOSPC');
    await expect(store.flush(kept.shardId)).rejects.toThrow('ENOSPC');
    const reason = 'ENOSPC';
    const all = ['write-ahead log', 'new shards', 'files of shards'];
    expect(failing()).toEqual(all.map((what) => ({ what, reason })));
    drive.capacityBytes = Infinity;
    await write(store, kept.shardId + 1);
    expect(failing()).toEqual([{ what: 'files of shards', reason }]);
    await store.flush(kept.shardId);
    expect(failing()).toEqual([]);
    await store.close();
  };
  await world.complete(work());
});
