import { expect, test } from 'vitest';
import { batchOf } from '../../../../test/support/store-script.ts';
import { World, type SimNode } from '../../../../test/sim/world/world.ts';
import type { Env } from '../../../env/env.ts';
import type { Log } from '../../../env/log.ts';
import { Store } from '../store.ts';

const log = { info: () => undefined, warn: () => undefined, error: () => undefined } as unknown as Log; // prettier-ignore
const place = (shardId: number) => ({ shardId, database: 'db', retentionPolicy: 'autogen' });

/** Worker number `worker` of `count`. */
function open(
  { disk, clock }: Env,
  worker: number,
  count: number,
  settlesLater = false,
): Promise<Store> {
  const ports = { disk, log, clock, turn: () => Promise.resolve() };
  return Store.open(ports, {
    dataFolder: 'data',
    walFolder: 'wal',
    worker,
    isHome: (shardId) => shardId % count === worker,
    segmentBytesMax: 700,
    queueBytesMax: 1 << 20,
    snapshotBytes: 1 << 20,
    snapshotColdMs: 600_000,
    cacheBytesMax: 1 << 24,
    memtablesBytesMax: 1 << 24,
    settlesLater,
  });
}

/** Power goes between a flush and the release of the log, so that the next start has segments to release. */
async function loseSegments(world: World, node: SimNode, afterCalls: number): Promise<void> {
  const work = async (): Promise<void> => {
    const store = await open(node.env, 0, 1);
    for (let i = 0; i < 60; i++) await store.write(place(2), batchOf(`m v=${i} ${i}`));
    node.drive.afterCalls(afterCalls, () => {
      node.crash();
    });
    const late = new Promise<void>((resolve) => {
      world.schedule(500, resolve);
    });
    await Promise.race([store.flush(2), late]);
  };
  await world.complete(work());
  if (node.isAlive) node.crash();
  node.restart();
}

test('store: a worker that starts does not stumble over segments that another one releases', async () => {
  const failed: string[] = [];
  for (let seed = 1; seed < 40; seed++) {
    const world = new World(seed);
    const node = world.addNode('a');
    await loseSegments(world, node, 6 + (seed % 12));
    const start = async (): Promise<void> => {
      const first = await open(node.env, 0, 2);
      const second = await open(node.env, 1, 2);
      if (first.view(2)?.timeBounds()?.maxTimeNs !== 59n) failed.push(`${seed}: points are gone`);
      await first.close();
      await second.close();
    };
    await world.complete(
      start().catch((error: unknown) => failed.push(`${seed} ${String(error)}`)),
    );
  }
  expect(failed).toEqual([]);
}, 60_000);

test('store: segments with shards of two workers go once both have flushed, and not before', async () => {
  const world = new World(1);
  const { env } = world.addNode('a');
  const segments = async () => (await env.disk.list('wal')).length;
  const work = async (): Promise<void> => {
    const alone = await open(env, 0, 1);
    for (let i = 0; i < 20; i++) await alone.write(place(i % 2), batchOf(`m v=${i} ${i}`));
    await alone.close();
    const count = await segments();
    expect(count).toBeGreaterThan(3);

    const even = await open(env, 0, 2);
    const odd = await open(env, 1, 2);
    await even.flush(0);
    expect(await segments()).toBe(count);
    await odd.flush(1);
    expect(await segments()).toBe(0);
    await even.close();
    await odd.close();

    const again = await open(env, 0, 1);
    expect([0, 1].map((id) => again.view(id)?.timeBounds()?.maxTimeNs)).toEqual([18n, 19n]);
    await again.close();
  };
  await world.complete(work());
});

test('store: a shard that another worker has deleted keeps no segment of the log', async () => {
  const world = new World(1);
  const { env } = world.addNode('a');
  const work = async (): Promise<void> => {
    const alone = await open(env, 0, 1);
    await alone.write(place(1), batchOf('m v=1 1'));
    await alone.write(place(2), batchOf('m v=2 2'));
    await alone.close();
    const even = await open(env, 0, 2);
    const odd = await open(env, 1, 2);
    await odd.deleteShard(1);
    await even.flush(2);
    expect(await env.disk.list('wal')).toEqual([]);
    await even.close();
    await odd.close();
  };
  await world.complete(work());
});

test('store: workers that open side by side see the same damage of the log, and one of them deals with it', async () => {
  let lackedCount = 0;
  for (let cut = 1; cut < 200; cut += 13) {
    const world = new World(cut);
    const { env } = world.addNode('a');
    const work = async (): Promise<void> => {
      const alone = await open(env, 0, 1);
      for (let i = 0; i < 20; i++) await alone.write(place(i % 2), batchOf(`m v=${i} ${i}`));
      await alone.close();
      const [first] = await env.disk.list('wal');
      const path = `wal/${first?.name ?? ''}`;
      const bytes = Uint8Array.from(await env.disk.readFile(path));
      const at = Math.min(cut, bytes.length - 1);
      bytes[at] = (bytes[at] ?? 0) ^ 64;
      await env.disk.replaceFile(path, bytes);
      const stores = await Promise.all([open(env, 0, 2, true), open(env, 1, 2, true)]);
      const damagedOf = () => stores.flatMap((store, i) => (isDamaged(store, i) ? [i] : []));
      const before = damagedOf();
      const bad = async () => (await env.disk.list('wal')).filter(({ name }) => name.endsWith('.bad')).length; // prettier-ignore
      expect(await bad()).toBe(0);
      await stores[0].settleLog();
      expect(damagedOf()).toEqual(before);
      for (const store of stores) await store.close();
      // The next start finds the marks, and nothing in the log to deal with.
      const again = await Promise.all([open(env, 0, 2, true), open(env, 1, 2, true)]);
      expect(again.flatMap((store, i) => (isDamaged(store, i) ? [i] : []))).toEqual(before);
      if (before.length > 0) expect(await bad()).toBe(1);
      lackedCount += before.length;
      for (const store of again) await store.close();
    };
    await world.complete(work());
  }
  expect(lackedCount).toBeGreaterThan(5);
}, 60_000);

test('store: damage of a segment that another worker has released meanwhile is none any more', async () => {
  const world = new World(3);
  const { env } = world.addNode('a');
  const work = async (): Promise<void> => {
    const alone = await open(env, 0, 1);
    await alone.write(place(0), batchOf('m v=1 1'));
    await alone.flush(0);
    await alone.write(place(0), batchOf('m v=2 2'));
    await alone.close();
    const [first] = await env.disk.list('wal');
    const path = `wal/${first?.name ?? ''}`;
    const bytes = await env.disk.readFile(path);
    await env.disk.replaceFile(path, bytes.subarray(0, bytes.length - 3));
    const store = await open(env, 0, 1, true);
    await env.disk.remove(path);
    await store.settleLog();
    expect(isDamaged(store, 0)).toBe(false);
    await store.close();
  };
  await world.complete(work());
});

function isDamaged(store: Store, shardId: number): boolean {
  try {
    store.view(shardId)?.release();
    return false;
  } catch {
    return true;
  }
}
