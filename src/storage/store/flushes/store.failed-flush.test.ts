/** What the disk has failed to take is all in files once it has taken it: nothing of it stays in the log. */
import { expect, test } from 'vitest';
import { FailingDisk } from '../../../../test/support/failing-disk.ts';
import { deleteOf } from '../../../../test/support/copy-script.ts';
import { batchOf, kept, openStore, readField } from '../../../../test/support/store-script.ts';
import { World } from '../../../../test/sim/world/world.ts';

test('store: a flush that failed and then succeeds lets go of the log, and what is deleted then is not in it any more', async () => {
  const world = new World(1);
  const node = world.addNode('a');
  const work = async (): Promise<void> => {
    const { clock } = node.env;
    const disk = new FailingDisk(node.env.disk, { failAt: Infinity });
    const store = await openStore(disk, clock);
    const segmentCount = async (): Promise<number> => (await disk.list('wal')).filter(({ name }) => name.endsWith('.wal')).length; // prettier-ignore
    for (let time = 0; time < 40; time++) await store.write(kept, batchOf(`m v=1 ${time}`));
    expect(await segmentCount()).toBeGreaterThan(3);
    disk.failIn(1);
    await expect(store.flush(kept.shardId)).rejects.toThrow('made to fail');
    await store.flush(kept.shardId);
    // The one that is written to.
    expect(await segmentCount()).toBe(1);
    await store.deletePoints(kept.shardId, deleteOf('m'));
    node.crash();
    node.restart();
    const again = await openStore(node.env.disk, node.env.clock);
    expect(readField(again, 'm', 'v')).toEqual([]);
    await again.close();
  };
  await world.complete(work(), 10_000_000);
});
