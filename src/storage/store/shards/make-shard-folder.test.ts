import { expect, test } from 'vitest';
import { World } from '../../../../test/sim/world/world.ts';
import { FailingDisk } from '../../../../test/support/failing-disk.ts';
import { DurableFolders } from '../../../env/durable-folders.ts';
import { makeShardFolder } from './make-shard-folder.ts';

test.each([false, true])(
  'shard folder: after any call of the disk has failed it can be made again (stays: %s)',
  async (stays) => {
    const place = 'data/d/autogen/3';
    for (let n = 1; ; n++) {
      const world = new World(n);
      const node = world.addNode('a');
      const disk = new FailingDisk(node.env.disk, { failAt: n, stays });
      const folders = new DurableFolders(disk);
      const make = () => world.complete(makeShardFolder({ disk, folders }, place, { sequence: 5, copy: undefined })); // prettier-ignore
      const isMade = await make().then(() => true, () => false); // prettier-ignore
      expect(isMade, `call ${n}`).toBe(!disk.hasFailed);
      disk.failIn(Infinity);
      if (!isMade) await expect(make(), `call ${n}`).resolves.toBeUndefined();
      node.crash();
      node.restart();
      const names = (await world.complete(node.env.disk.list(place))).map(({ name }) => name);
      expect(names, `call ${n}`).toEqual(['shard.json']);
      if (isMade) return;
      expect(n).toBeLessThan(100);
    }
  },
);

test('shard folder: a disk that is full keeps nothing of one that could not be made', async () => {
  const world = new World(1);
  const node = world.addNode('a');
  const { disk } = node.env;
  node.drive.capacityBytes = 10;
  const made = makeShardFolder({ disk, folders: new DurableFolders(disk) }, 'data/d/autogen/3', { sequence: 5, copy: undefined }); // prettier-ignore
  await expect(world.complete(made)).rejects.toMatchObject({ code: 'disk_full' });
  expect(await world.complete(disk.list('data/d/autogen'))).toEqual([]);
});
