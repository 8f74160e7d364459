import { expect, test } from 'vitest';
import { DbError } from '../../base/errors.ts';
import type { Clock } from '../../env/clock.ts';
import type { Log } from '../../env/log.ts';
import { emptyCatalog, type Catalog } from '../../meta/model/catalog.ts';
import type { Command } from '../../meta/command/command.ts';
import { DroppedShards, type HeldShard } from './dropped-shards.ts';
import { Databases } from '../../meta/model/databases.ts';

const clock = { every: () => ({ cancel: () => undefined }), wallNs: () => 5n, monotonicMs: () => 0 } as unknown as Clock; // prettier-ignore
const log = { info: () => undefined, warn: () => undefined } as unknown as Log;
const clusterId = 77n;

function catalogWith(index: number, ids: readonly number[]): Catalog {
  const shards = ids.map((id) => ({ id, owners: [4] }));
  const shardGroups = [{ id: 1, startNs: 0n, endNs: 1n, shards }];
  const rules = { name: 'autogen', durationNs: 0n, shardGroupDurationNs: 1n, replicaCount: 1, pastLimitNs: 0n, futureLimitNs: 0n }; // prettier-ignore
  const database = { name: 'd', defaultRetentionPolicy: 'autogen', retentionPolicies: [{ ...rules, shardGroups }] }; // prettier-ignore
  return { ...emptyCatalog, clusterId, maxShardId: 9, index, databases: Databases.of([database]) };
}

function worldOf(ids: readonly number[], cluster: bigint | undefined) {
  const held = new Map<number, HeldShard>();
  for (const shardId of ids)
    held.set(shardId, { shardId, database: 'd', retentionPolicy: 'autogen', clusterId: cluster });
  const asked: string[] = [];
  const world = {
    held,
    asked,
    isDiskFailing: false,
    stuckId: 0,
    execute: (): Promise<undefined> => Promise.resolve(undefined),
    meta: {
      catalog: catalogWith(5, [1, 2, 3, 4]),
      nodeId: 4,
      execute: ({ kind }: Command) => {
        asked.push(kind);
        return world.execute();
      },
    },
    shards: {
      facts: { holdings: () => Promise.resolve([...held.values()]) },
      deleteShards: (dropped: readonly number[]) => {
        if (world.isDiskFailing) return Promise.reject(new Error('disk'));
        for (const id of dropped) if (id !== world.stuckId) held.delete(id);
        // What the node knows of it has gone.
        const stuck = held.get(world.stuckId);
        if (stuck === undefined || !dropped.includes(world.stuckId)) return Promise.resolve();
        held.set(world.stuckId, { ...stuck, clusterId: undefined });
        return Promise.reject(new Error('disk'));
      },
    },
  };
  return world;
}

function idsOf({ held }: ReturnType<typeof worldOf>): readonly number[] {
  return [...held.keys()];
}

test('dropped shards: what leaves the catalog is deleted, also when the disk fails at first', async () => {
  const world = worldOf([1, 2, 3], undefined);
  world.isDiskFailing = true;
  const dropped = new DroppedShards({ clock, log, ...world });
  await dropped.check();
  expect(idsOf(world)).toEqual([1, 2, 3]);
  world.meta.catalog = catalogWith(6, [2]);
  await dropped.check();
  expect(idsOf(world)).toEqual([1, 2, 3]);
  world.isDiskFailing = false;
  await dropped.check();
  expect(idsOf(world)).toEqual([2]);
  expect(world.asked).toEqual([]);
  await dropped.close();
});

test('dropped shards: one that was made after its database was dropped goes once the leader has confirmed it', async () => {
  const world = worldOf([2, 7], clusterId);
  const dropped = new DroppedShards({ clock, log, ...world });
  await dropped.check();
  expect(idsOf(world)).toEqual([2]);
  expect(world.asked).toEqual(['acquire-lease']);
  // A write that was under way makes it again; the catalog has nothing new to say.
  world.held.set(7, { shardId: 7, database: 'd', retentionPolicy: 'autogen', clusterId });
  for (let check = 0; check < 10; check++) await dropped.check();
  expect(idsOf(world)).toEqual([2]);
  await dropped.close();
});

test('dropped shards: one that the disk does not let go is asked for until it goes, and keeps no other, known or not', async () => {
  const world = worldOf([1, 2, 7], clusterId);
  const dropped = new DroppedShards({ clock, log, ...world });
  for (const [stuckId, left] of [
    [1, [1, 2]],
    [8, [8, 2]],
  ] as const) {
    // prettier-ignore
    world.stuckId = stuckId;
    if (stuckId === 8) for (const id of [8, 9]) world.held.set(id, { shardId: id, database: 'd', retentionPolicy: 'autogen', clusterId }); // prettier-ignore
    world.meta.catalog = catalogWith(world.meta.catalog.index + 1, [2]);
    for (let check = 0; check < 3; check++) {
      await dropped.check();
      expect(idsOf(world).toSorted()).toEqual(left.toSorted());
    }
    world.stuckId = 0;
    await dropped.check();
    expect(idsOf(world)).toEqual([2]);
  }
  await dropped.close();
});

test('dropped shards: nothing goes when the catalog was old, without a leader, or at a refusal of another kind', async () => {
  const world = worldOf([7], clusterId);
  const dropped = new DroppedShards({ clock, log, ...world });
  world.execute = () => Promise.reject(new DbError('unavailable', 'meta service unavailable'));
  await dropped.check();
  expect(idsOf(world)).toEqual([7]);
  world.execute = () => {
    world.meta.catalog = catalogWith(6, [7]);
    return Promise.reject(new DbError('conflict', 'another node has the lease'));
  };
  await dropped.check();
  expect(idsOf(world)).toEqual([7]);
  expect(world.asked).toEqual(['acquire-lease', 'acquire-lease']);
  await dropped.close();
});

test.each([
  ['of another cluster', 78n, 7],
  ['of nobody knows which cluster', undefined, 7],
  ['whose id is above all that this catalog knows of', clusterId, 10],
])('dropped shards: a shard %s stays', async (_of, cluster, id) => {
  const world = worldOf([id], cluster);
  const dropped = new DroppedShards({ clock, log, ...world });
  await dropped.check();
  world.meta.catalog = catalogWith(6, []);
  await dropped.check();
  expect(idsOf(world)).toEqual([id]);
  expect(world.asked).toEqual([]);
  await dropped.close();
});

test('dropped shards: a node that is leaving its cluster, and is refused, has what it had', async () => {
  const world = worldOf([1, 2, 3], clusterId);
  const dropped = new DroppedShards({ clock, log, ...world });
  await dropped.check();
  const { catalog } = world.meta;
  world.meta.catalog = emptyCatalog;
  await dropped.check();
  world.meta.catalog = catalog;
  await dropped.check();
  expect(idsOf(world)).toEqual([1, 2, 3]);
  await dropped.close();
});

test('dropped shards: what one cluster had and the next one has not is no shard that the next one dropped', async () => {
  const world = worldOf([], clusterId);
  const dropped = new DroppedShards({ clock, log, ...world });
  await dropped.check();
  world.meta.catalog = { ...catalogWith(2, [1]), clusterId: 78n };
  // Made while this node says what it has.
  world.shards.facts.holdings = () => Promise.resolve([{ shardId: 2, database: 'd', retentionPolicy: 'autogen', clusterId: undefined }]); // prettier-ignore
  world.held.set(2, {
    shardId: 2,
    database: 'd',
    retentionPolicy: 'autogen',
    clusterId: undefined,
  });
  await dropped.check();
  expect(idsOf(world)).toEqual([2]);
  await dropped.close();
});
