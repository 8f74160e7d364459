import { expect, test } from 'vitest';
import { World } from '../../test/sim/world/world.ts';
import { FailingDisk } from '../../test/support/failing-disk.ts';
import { Latch } from '../base/async/latch.ts';
import type { Disk } from './disk.ts';
import { DurableFolders } from './durable-folders.ts';

/** Notes each folder that is synced. */
function counting(disk: Disk, synced: string[]): Pick<Disk, 'makeDir' | 'syncDir'> {
  return {
    makeDir: (path) => disk.makeDir(path),
    syncDir: (path) => {
      synced.push(path);
      return disk.syncDir(path);
    },
  };
}

test('durable folders: hundreds that are made at once below one are durable after two syncs of it', async () => {
  const world = new World(1);
  const node = world.addNode('a');
  const synced: string[] = [];
  const folders = new DurableFolders(counting(node.env.disk, synced));
  const paths = Array.from({ length: 300 }, (_, i) => `data/d/autogen/${i}`);
  await world.complete(Promise.all(paths.map((path) => folders.make(path))));
  expect(synced.filter((path) => path === 'data/d/autogen').length).toBeLessThanOrEqual(2);
  expect(synced.filter((path) => path !== 'data/d/autogen').length).toBeLessThanOrEqual(6);
  synced.length = 0;
  await world.complete(folders.make('data/d/autogen/more'));
  expect(synced).toEqual(['data/d/autogen']);
  await world.complete(folders.make('data/d/other/1'));
  expect(synced).toEqual(['data/d/autogen', 'data/d/other', 'data/d']);
  node.crash();
  node.restart();
  const { disk } = node.env;
  const left = await world.complete(disk.list('data/d/autogen'));
  expect(left).toHaveLength(301);
  expect(await world.complete(disk.list('data/d/other'))).toHaveLength(1);
});

test('durable folders: a sync that was under way does not count for what is made meanwhile', async () => {
  const began: Latch<undefined>[] = [];
  const folders = new DurableFolders({
    makeDir: () => Promise.resolve(),
    syncDir: async (path) => {
      if (path !== 'd') return;
      const end = new Latch<undefined>();
      began.push(end);
      await end.promise;
    },
  });
  const made: string[] = [];
  const make = (path: string): Promise<void> => folders.make(path).then(() => void made.push(path));
  const first = make('d/1');
  await expect.poll(() => began.length).toBe(1);
  const others = [make('d/2'), make('d/3')];
  began[0]?.open(undefined);
  await first;
  await expect.poll(() => began.length).toBe(2);
  expect(made).toEqual(['d/1']);
  began[1]?.open(undefined);
  await Promise.all(others);
  expect(began).toHaveLength(2);
});

test('durable folders: whatever call of the disk fails, what was called durable is there after a loss of power', async () => {
  for (let n = 1; ; n++) {
    const world = new World(n);
    const node = world.addNode('a', { zeroTailRate: 0.3 });
    const disk = new FailingDisk(node.env.disk, { failAt: n, stays: false });
    const folders = new DurableFolders(disk);
    const durable: string[] = [];
    const make = async (name: string): Promise<void> => {
      const path = `data/d/autogen/${name}`;
      await folders.make(path).then(() => durable.push(name), () => 0); // prettier-ignore
    };
    await world.complete(Promise.all(['1', '2'].map(make)).then(() => Promise.all(['3', '4'].map(make)))); // prettier-ignore
    node.crash();
    node.restart();
    const left = (await world.complete(node.env.disk.list('data/d/autogen'))).map(({ name }) => name); // prettier-ignore
    expect(durable.filter((name) => !left.includes(name)), `call ${n}`).toEqual([]); // prettier-ignore
    if (!disk.hasFailed) return;
    expect(n).toBeLessThan(100);
  }
});
