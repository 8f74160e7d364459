import { expect, test } from 'vitest';
import type { Env } from '../../../env/env.ts';
import { batchOf, kept, openStore } from '../../../../test/support/store-script.ts';
import { World } from '../../../../test/sim/world/world.ts';
import type { Store } from '../store.ts';

const next = { ...kept, shardId: 8 };
const elsewhere = { ...kept, shardId: 9, database: 'other' };
const seriesLimits = { seriesMax: 3, valuesPerTagMax: 0 };

async function inWorld(body: (env: Env) => Promise<void>): Promise<void> {
  const world = new World(1);
  const { env } = world.addNode('a');
  await world.complete(body(env));
}

async function reasonOf(store: Store, place: typeof kept, lines: string): Promise<string> {
  return (await store.write(place, batchOf(lines))).reason;
}

test('series limits: a database has its series in all shards of the worker, each counted once', async () => {
  await inWorld(async ({ disk, clock }) => {
    const store = await openStore(disk, clock, { seriesLimits });
    await store.write(kept, batchOf('m,h=a v=1 1\nm,h=b v=1 1'));
    await store.write(elsewhere, batchOf('m,h=c v=1 1\nm,h=d v=1 1\nm,h=e v=1 1'));
    // The next shard has the same series, and one more than the first.
    expect(await reasonOf(store, next, 'm,h=a v=1 9\nm,h=b v=1 9')).toBe('');
    expect(await reasonOf(store, next, 'm,h=c v=1 9')).toBe('');
    expect(await reasonOf(store, kept, 'm,h=d v=1 2')).toBe(
      'max-series-per-database exceeded database=db limit=3 series=3 keys=1',
    );
    expect(await reasonOf(store, kept, 'm,h=c v=1 2')).toBe('');
    await store.flush(7);
    await store.flush(8);
    await store.close();
    const again = await openStore(disk, clock, { seriesLimits });
    expect(await reasonOf(again, next, 'm,h=d v=1 9')).toMatch(/series=3 keys=1/);
    await again.deleteShard(8);
    await again.deleteShard(7);
    expect(await reasonOf(again, { ...kept, shardId: 10 }, 'm,h=x v=1 9')).toBe('');
    await again.close();
  });
});

test('series limits: a tag has its values in all shards of the worker, each counted once', async () => {
  await inWorld(async ({ disk, clock }) => {
    const limits = { seriesLimits: { seriesMax: 0, valuesPerTagMax: 3 } };
    let store = await openStore(disk, clock, limits);
    const full = 'max-values-per-tag limit exceeded (3/3): measurement="m" tag="h" value="d"';
    await store.write(kept, batchOf('m,h=a v=1 1\nm,h=b v=1 1'));
    await store.write(elsewhere, batchOf('m,h=x v=1 1\nm,h=y v=1 1\nm,h=z v=1 1'));
    // Both shards have two values, and three together.
    expect(await reasonOf(store, next, 'm,h=b v=1 9\nm,h=c v=1 9')).toBe('');
    expect(await reasonOf(store, next, 'm,h=d v=1 9')).toBe(full);
    expect(await reasonOf(store, { ...kept, shardId: 11 }, 'm,h=d v=1 9')).toBe(full);
    expect(await reasonOf(store, kept, 'm,h=d v=1 1')).toBe(full);
    // What another shard has is no new value, nor is one of another tag or measurement.
    expect(await reasonOf(store, next, 'm,h=a v=1 9\nm,k=d v=1 9\nn,h=d v=1 9')).toBe('');
    await store.flush(7);
    expect(await reasonOf(store, kept, 'm,h=c v=1 2\nm,h=d v=1 2')).toBe(full);
    await store.flush(8);
    await store.close();
    store = await openStore(disk, clock, limits);
    expect(await reasonOf(store, kept, 'm,h=d v=1 1')).toBe(full);
    await store.deleteShard(8);
    // Of the values that are left, c came to the first shard as well.
    expect(await reasonOf(store, kept, 'm,h=d v=1 1')).toBe(full);
    await store.deleteShard(7);
    expect(await reasonOf(store, { ...kept, shardId: 12 }, 'm,h=d v=1 1')).toBe('');
    await store.close();
  });
});

test('series limits: after a restart they hold before all shards are open, and a series that is there waits for none', async () => {
  await inWorld(async ({ disk, clock }) => {
    const limits = { seriesLimits: { seriesMax: 3, valuesPerTagMax: 3 } };
    const store = await openStore(disk, clock, limits);
    await store.write(kept, batchOf('m,h=a v=1 1\nm,h=b v=1 1'));
    await store.write(next, batchOf('m,h=b v=1 9\nm,h=c v=1 9'));
    await store.write(elsewhere, batchOf('m,h=x v=1 1'));
    await store.flush(7);
    await store.close();
    for (const line of ['m,h=d v=1 9', 'm,k=d v=1 9']) {
      const again = await openStore(disk, clock, { ...limits, opensBehind: true });
      expect(await reasonOf(again, next, 'm,h=b v=2 9')).toBe('');
      expect(again.facts.opening).toEqual({ opened: 1, total: 3 });
      const isValue = line.startsWith('m,h');
      expect(await reasonOf(again, next, line)).toBe(
        isValue
          ? 'max-values-per-tag limit exceeded (3/3): measurement="m" tag="h" value="d"'
          : 'max-series-per-database exceeded database=db limit=3 series=3 keys=1',
      );
      expect(again.facts.opening).toEqual({ opened: 2, total: 3 });
      await again.close();
    }
  });
});

test('series limits: without any no write waits for other shards', async () => {
  await inWorld(async ({ disk, clock }) => {
    const limits = { seriesLimits: { seriesMax: 0, valuesPerTagMax: 0 } };
    const store = await openStore(disk, clock, limits);
    await store.write(kept, batchOf('m,h=a v=1 1'));
    await store.write(next, batchOf('m,h=b v=1 9'));
    await store.close();
    const again = await openStore(disk, clock, { ...limits, opensBehind: true });
    expect(await reasonOf(again, next, 'm,h=d v=1 9')).toBe('');
    expect(again.facts.opening).toEqual({ opened: 1, total: 2 });
    await again.close();
  });
});
