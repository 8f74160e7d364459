import { expect, test } from 'vitest';
import type { Env } from '../../../env/env.ts';
import {
  batchOf,
  doomed,
  kept,
  openStore,
  readField,
} from '../../../../test/support/store-script.ts';
import { World, type SimNode } from '../../../../test/sim/world/world.ts';
import type { Store } from '../store.ts';

async function onNode(body: (env: Env, node: SimNode) => Promise<void>): Promise<void> {
  const world = new World(5);
  const node = world.addNode('a');
  await world.complete(body(node.env, node));
}

function stateOf(store: Store, shardId: number): string {
  try {
    const view = store.view(shardId);
    return view === undefined ? 'empty' : readField(store, 'm', 'v', shardId).map(({ time }) => time).join(); // prettier-ignore
  } catch (error) {
    return (error as Error).message;
  }
}

const gone = 'shard 7 is damaged: data/db/autogen/7: the folder of the shard is gone';

test('store: a shard whose folder is gone is damaged, not empty, until it is deleted; one without points is empty', async () => {
  await onNode(async ({ disk, clock }) => {
    const store = await openStore(disk, clock);
    await store.write({ ...kept, clusterId: 77n }, batchOf('m v=1 1'));
    await store.write(doomed, batchOf('m v=2 2'));
    await store.flush(7);
    await store.close();
    await disk.removeTree('data/db/autogen/7');
    for (let start = 0; start < 2; start++) {
      const again = await openStore(disk, clock);
      expect([7, 8, 9].map((id) => stateOf(again, id))).toEqual([gone, '2', 'empty']);
      await expect(again.write(kept, batchOf('m v=3 3'))).rejects.toMatchObject({ code: 'corrupt', message: gone }); // prettier-ignore
      expect(again.facts.holdings).toContainEqual({ ...kept, clusterId: 77n });
      await again.close();
    }
    const third = await openStore(disk, clock);
    await third.deleteShard(7);
    expect(stateOf(third, 7)).toBe('shard 7 is not on this node');
    await third.close();
    const last = await openStore(disk, clock);
    expect(stateOf(last, 7)).toBe('empty');
    await last.write(kept, batchOf('m v=4 4'));
    await last.close();
    await disk.removeTree('data');
    const bare = await openStore(disk, clock);
    expect(stateOf(bare, 7)).toBe(gone);
    await bare.close();
  });
});

test('store: records of a shard whose folder is gone stay in the log, and are back with the folder', async () => {
  await onNode(async ({ disk, clock }) => {
    const store = await openStore(disk, clock);
    await store.write(kept, batchOf('m v=1 1'));
    await store.close();
    await disk.rename('data', 'away');
    // With another number of workers its segment is one that several share.
    const options = { worker: 0, isHome: (id: number) => id % 2 === 0 };
    const other = await openStore(disk, clock, options);
    await other.write(doomed, batchOf('m v=2 2'));
    await other.flush(8);
    await other.close();
    await disk.rename('away/db/autogen/7', 'data/db/autogen/7');
    const again = await openStore(disk, clock);
    expect([7, 8].map((id) => stateOf(again, id))).toEqual(['1', '2']);
    await again.close();
  });
});

test('store: a folder that came by another way is taken in, for no cluster; a damaged list of shards is read as far as it goes', async () => {
  await onNode(async ({ disk, clock }) => {
    const store = await openStore(disk, clock, { rosterFolder: undefined });
    await store.write(kept, batchOf('m v=1 1'));
    await store.write(doomed, batchOf('m v=2 2'));
    await store.close();
    const again = await openStore(disk, clock);
    expect(again.facts.holdings.map(({ clusterId }) => clusterId)).toEqual([undefined, undefined]);
    await again.close();
    const bytes = (await disk.readFile('meta/shards-000.log')).slice();
    bytes[12] = (bytes[12] ?? 0) ^ 1;
    await disk.replaceFile('meta/shards-000.log', bytes);
    await disk.removeTree('data/db/autogen');
    const bare = await openStore(disk, clock);
    expect([7, 8].map((id) => stateOf(bare, id)).sort()).toEqual(['empty', expect.stringContaining('is gone')]); // prettier-ignore
    await bare.close();
  });
});

test('store: a database of any name has a folder of its own within the data folder, and its name is known after a restart', async () => {
  await onNode(async ({ disk, clock }) => {
    await disk.makeDir('data');
    await disk.replaceFile('data/.lock', new Uint8Array());
    const places = ['.lock', '..', '../../x', 'a%2Eb'].map((database, i) => ({ shardId: 20 + i, database, retentionPolicy: '.' })); // prettier-ignore
    const store = await openStore(disk, clock);
    for (const place of places) await store.write(place, batchOf('m v=1 1'));
    await store.close();
    const again = await openStore(disk, clock, { rosterFolder: undefined });
    expect(again.facts.holdings).toEqual(expect.arrayContaining(places.map((place) => ({ ...place, clusterId: undefined })))); // prettier-ignore
    for (const { shardId } of places) expect(stateOf(again, shardId)).toBe('1');
    await again.close();
    expect((await disk.list('.')).map(({ name }) => name).sort()).toEqual(['data', 'meta', 'wal']);
  });
});

test('store: the list of shards stays short however often a shard comes and goes', async () => {
  await onNode(async ({ disk, clock }) => {
    for (let start = 0; start < 8; start++) {
      const store = await openStore(disk, clock);
      for (let turn = 0; turn < 20; turn++) {
        await store.write(doomed, batchOf('m v=2 2'));
        await store.deleteShard(8);
      }
      await store.close();
    }
    await (await openStore(disk, clock)).close();
    expect(await disk.size('meta/shards-000.log')).toBeLessThan(200);
  });
});

test('store: a deletion that power interrupted at any call of the disk leaves the shard whole, or empty, never missed', async () => {
  for (let n = 1; ; n++) {
    const world = new World(n);
    const node = world.addNode('a');
    const progress = { isOver: false };
    await world.complete(
      (async () => {
        const store = await openStore(node.env.disk, node.env.clock);
        await store.write(kept, batchOf('m v=1 1'));
        await store.close();
      })(),
    );
    world.spawn(node, async ({ disk, clock }) => {
      const store = await openStore(disk, clock);
      node.drive.afterCalls(n, () => {
        node.crash();
      });
      await store.deleteShard(7);
      progress.isOver = true;
    });
    await world.run(world.nowMs + 5_000);
    if (node.isAlive) node.crash();
    node.restart();
    await world.complete(
      (async () => {
        const store = await openStore(node.env.disk, node.env.clock);
        const state = stateOf(store, 7);
        expect(['1', 'empty'], `call ${n}`).toContain(state);
        await store.close();
      })(),
    );
    if (progress.isOver) return;
    expect(n).toBeLessThan(200);
  }
});
