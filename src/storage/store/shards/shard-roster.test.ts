import { expect, test } from 'vitest';
import { World } from '../../../../test/sim/world/world.ts';
import { FailingDisk } from '../../../../test/support/failing-disk.ts';
import { ShardRoster } from './shard-roster.ts';

const options = { folder: 'meta', worker: 0 };
const placeOf = (shardId: number) => ({ shardId, database: 'd', retentionPolicy: 'autogen' });

test('shard roster: after any call of the disk has failed it goes on, and what it called durable outlives a power loss', async () => {
  for (let n = 1; ; n++) {
    const world = new World(n);
    const node = world.addNode('a', { zeroTailRate: 0.3 });
    const { log } = node.env;
    const disk = new FailingDisk(node.env.disk, { failAt: n });
    const durable: number[] = [];
    const run = async (): Promise<void> => {
      const roster = await ShardRoster.open({ disk, log }, options);
      for (let shardId = 1; shardId <= 4; shardId++)
        await roster.made(placeOf(shardId), 7n).then(
          () => durable.push(shardId),
          () => 0,
        );
    };
    // One that does not open has called nothing durable.
    await world.complete(run().catch(() => undefined));
    node.crash();
    node.restart();
    const again = await world.complete(ShardRoster.open(node.env, options));
    expect(durable.filter((shardId) => !again.has(shardId)), `call ${n}`).toEqual([]); // prettier-ignore
    if (!disk.hasFailed) return;
    expect(n).toBeLessThan(100);
  }
});

test('shard roster: shards that come to be at once share a sync, and after whatever fails what was called durable is there', async () => {
  for (let n = 1; ; n++) {
    const world = new World(n);
    const node = world.addNode('a', { zeroTailRate: 0.3 });
    const { log } = node.env;
    const disk = new FailingDisk(node.env.disk, { failAt: n, stays: false });
    const durable: number[] = [];
    let calls = 0;
    const run = async (): Promise<void> => {
      const roster = await ShardRoster.open({ disk, log }, options);
      const made = async (shardId: number): Promise<void> => {
        await roster.made(placeOf(shardId), 7n).then(() => durable.push(shardId), () => 0); // prettier-ignore
      };
      const before = disk.callCount;
      await Promise.all(Array.from({ length: 50 }, (_, i) => made(i)));
      calls = disk.callCount - before;
      await made(50);
    };
    await world.complete(run().catch(() => undefined));
    node.crash();
    node.restart();
    const again = await world.complete(ShardRoster.open(node.env, options));
    expect(durable.filter((shardId) => !again.has(shardId)), `call ${n}`).toEqual([]); // prettier-ignore
    if (!disk.hasFailed) {
      expect(durable).toHaveLength(51);
      expect(calls).toBeLessThan(10);
      return;
    }
    expect(n).toBeLessThan(100);
  }
});

test('shard roster: a file that another process has made and not vouched for is made durable before it is written to', async () => {
  const world = new World(1);
  const node = world.addNode('a');
  const { disk, log } = node.env;
  const roster = await world.complete(ShardRoster.open({ disk, log }, options));
  // What ended before it could sync the folder left this.
  await world.complete(disk.open('meta/shards-000.log', 'append').then((file) => file.close()));
  await world.complete(roster.made(placeOf(1), undefined));
  node.crash();
  node.restart();
  const again = await world.complete(ShardRoster.open(node.env, options));
  expect(again.places).toEqual([expect.objectContaining(placeOf(1))]);
});

test('shard roster: a file that cannot be read ends the start, as what it says is not known', async () => {
  const world = new World(1);
  const node = world.addNode('a');
  const { disk, log } = node.env;
  const roster = await world.complete(ShardRoster.open({ disk, log }, options));
  await world.complete(roster.made(placeOf(1), undefined));
  await world.complete(roster.close());
  node.drive.ioErrorRate = 1;
  await expect(world.complete(ShardRoster.open(node.env, options))).rejects.toMatchObject({ code: 'io_error' }); // prettier-ignore
  for (let n = 1; ; n++) {
    node.drive.ioErrorRate = 0;
    const failing = new FailingDisk(disk, { failAt: n, code: 'io_error', stays: false });
    const opened = await world.complete(ShardRoster.open({ disk: failing, log }, options).catch(() => undefined)); // prettier-ignore
    if (opened !== undefined) expect(opened.has(1), `call ${n}`).toBe(true);
    if (!failing.hasFailed) return;
  }
});
