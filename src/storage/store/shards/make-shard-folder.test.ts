import { expect, test } from 'vitest';
import { World } from '../../../../test/sim/world/world.ts';
import { FailingDisk } from '../../../../test/support/failing-disk.ts';
import { DurableFolders } from '../../../env/durable-folders.ts';
import { makeShardFolder } from './make-shard-folder.ts';

test('shard folder: after any call of the disk has failed it can be made again', async () => {
  const place = 'data/d/autogen/3';
  for (let n = 1; ; n++) {
    const world = new World(n);
    const node = world.addNode('a');
    const disk = new FailingDisk(node.env.disk, { failAt: n });
    const folders = new DurableFolders(disk);
    const make = () => world.complete(makeShardFolder({ disk, folders }, place, { sequence: 5, copy: undefined })); // prettier-ignore
    const isMade = await make().then(() => true, () => false); // prettier-ignore
    expect(isMade, `call ${n}`).toBe(!disk.hasFailed);
    if (!isMade) await expect(make(), `call ${n}`).resolves.toBeUndefined();
    node.crash();
    node.restart();
    const names = (await world.complete(node.env.disk.list(place))).map(({ name }) => name);
    expect(names, `call ${n}`).toEqual(['shard.json']);
    if (isMade) return;
    expect(n).toBeLessThan(100);
  }
});
