import { expect, test } from 'vitest';
import type { Env } from '../../../env/env.ts';
import { finished } from '../../../../test/support/finished.ts';
import { FailingDisk } from '../../../../test/support/failing-disk.ts';
import {
  batchOf,
  doomed,
  kept,
  openStore,
  readField,
  readSeries,
} from '../../../../test/support/store-script.ts';
import { World } from '../../../../test/sim/world/world.ts';

const isMadeToFail = (error: unknown): boolean => String(error).includes('made to fail');

test('store: a deletion that failed deletes when it is asked for again', async () => {
  const back: number[] = [];
  for (let n = 1; n < 60; n++) {
    const world = new World(n);
    const node = world.addNode('a');
    const disk = new FailingDisk(node.env.disk, { failAt: n });
    const work = async (): Promise<void> => {
      const store = await openStore(disk, node.env.clock);
      await store.write(doomed, batchOf('m v=1 1'));
      await store.flush(doomed.shardId);
      await store.write(doomed, batchOf('m v=2 2'));
      await store.deleteShard(doomed.shardId).catch(() => store.deleteShard(doomed.shardId));
      await store.close();
      const again = await openStore(node.env.disk, node.env.clock);
      if (again.view(doomed.shardId) !== undefined) back.push(n);
      await again.close();
    };
    await world.complete(
      work().catch((error: unknown) => {
        if (!isMadeToFail(error)) throw error;
      }),
    );
  }
  expect(back).toEqual([]);
});

/** Fails to remove folders until it is told to. */
class StubbornDisk extends FailingDisk {
  isStubborn = true;

  override async removeTree(path: string): Promise<void> {
    if (this.isStubborn) throw new Error('made to fail');
    await super.removeTree(path);
  }
}

test('store: a shard that is being deleted is neither read nor written until its folder is gone', async () => {
  const world = new World(1);
  const { env } = world.addNode('a');
  const disk = new StubbornDisk(env.disk, { failAt: Infinity });
  const work = async (): Promise<void> => {
    const store = await openStore(disk, env.clock);
    await store.write(doomed, batchOf('m v=1 1'));
    await expect(store.deleteShard(doomed.shardId)).rejects.toThrow('made to fail');
    expect(() => store.view(doomed.shardId)).toThrow('shard 8 is not on this node');
    expect(store.facts.shardIds).toEqual([]);
    await expect(store.write(doomed, batchOf('m v=1 1'))).rejects.toMatchObject({
      code: 'shard_not_found',
      message: 'shard 8 is being deleted',
    });
    disk.isStubborn = false;
    await store.deleteShard(doomed.shardId);
    expect(await env.disk.list('data/db/autogen')).toEqual([]);
    await store.write(doomed, batchOf('m v=1 1'));
    expect(store.facts.shardIds).toEqual([doomed.shardId]);
    await store.close();
  };
  await world.complete(work());
});

test('store: one that the disk did not let be set aside is when it is asked for again, whatever call failed', async () => {
  for (let n = 1; ; n++) {
    const world = new World(n);
    const { env } = world.addNode('a');
    const disk = new FailingDisk(env.disk, { failAt: Infinity });
    const work = async (): Promise<boolean> => {
      const store = await openStore(disk, env.clock);
      await store.write(kept, batchOf('m v=1 1'));
      await store.flush(kept.shardId);
      disk.failIn(n);
      const first = store.setAside(kept.shardId);
      const asideTo = await first.catch(() => store.setAside(kept.shardId));
      const { hasFailed } = disk;
      disk.failIn(Infinity);
      expect((await env.disk.list(asideTo)).length).toBeGreaterThan(0);
      await store.write(kept, batchOf('m v=2 2'));
      expect(store.lacks(kept.shardId)).toBe(true);
      await store.close();
      return hasFailed;
    };
    if (!(await world.complete(work()))) return;
  }
});

test('store: a shard that comes to be again has nothing of the one that was deleted, also after power was lost', async () => {
  const back: string[] = [];
  for (let n = 1; n < 60; n++) {
    const world = new World(n);
    const node = world.addNode('a');
    let isAgain = false;
    const write = async ({ disk, clock }: Env): Promise<void> => {
      const store = await openStore(disk, clock);
      // A record of another shard keeps the log's segment.
      await store.write(doomed, batchOf('m v=1 1'));
      await store.write(kept, batchOf('m v=1 1\nm v=2 2'));
      await store.deleteShard(kept.shardId);
      node.drive.afterCalls(n, () => {
        node.crash();
      });
      await store.write(kept, batchOf('m v=3 3'));
      isAgain = true;
      await store.flush(kept.shardId);
    };
    world.spawn(node, write);
    await world.run(world.nowMs + 5_000);
    if (node.isAlive) node.crash();
    node.restart();
    const check = async (): Promise<void> => {
      const store = await openStore(node.env.disk, node.env.clock);
      const times = readField(store, 'm', 'v').map(({ time }) => time);
      if (isAgain ? times.join() !== '3' : times.includes(1)) back.push(`${n}: ${times.join()}`);
      await store.close();
    };
    await world.complete(check());
  }
  expect(back).toEqual([]);
});

test('store: who reads a shard while it is deleted reads on, and nobody after that takes it for one without points', async () => {
  const world = new World(1);
  const { disk, clock } = world.addNode('a').env;
  const work = async (): Promise<void> => {
    const store = await openStore(disk, clock);
    await store.write(doomed, batchOf('m,h=a v=1 1'));
    await store.flush(doomed.shardId);
    await store.write(doomed, batchOf('m,h=a v=2 2'));
    const view = store.view(doomed.shardId);
    const seriesIds = [...(finished(view?.seriesIds('m')) ?? [])];
    await store.deleteShard(doomed.shardId);
    expect(await disk.list('data/db/autogen')).toEqual([]);
    const rows = seriesIds.flatMap((id) => (view === undefined ? [] : readSeries(view, id, 'v')));
    expect(rows.map(({ time }) => time)).toEqual([1, 2]);
    view?.release();
    expect(() => store.view(doomed.shardId)).toThrow('shard 8 is not on this node');
    await store.write(doomed, batchOf('m,h=a v=3 3'));
    expect(readField(store, 'm', 'v', doomed.shardId).map(({ time }) => time)).toEqual([3]);
    await store.close();
  };
  await world.complete(work());
});

test('store: a shard whose folder is being made is deleted with it', async () => {
  const world = new World(1);
  const { disk, clock } = world.addNode('a').env;
  const work = async (): Promise<void> => {
    const store = await openStore(disk, clock);
    const written = store.write(doomed, batchOf('m v=1 1')).catch((error: unknown) => error);
    await store.deleteShard(doomed.shardId);
    await written;
    expect(() => store.view(doomed.shardId)).toThrow('shard 8 is not on this node');
    await store.close();
    const again = await openStore(disk, clock);
    expect(again.view(doomed.shardId)).toBeUndefined();
    await again.close();
  };
  await world.complete(work());
});
