import { expect, test } from 'vitest';
import { World, type SimNode } from '../../../test/sim/world/world.ts';
import type { Catalog } from '../../meta/model/catalog.ts';
import type { StoredDelete } from '../../storage/store/deletes/stored-deletes.ts';
import type { LatelyLoggedTask } from '../engine/engine-tasks.ts';
import { LastMoments } from './last-moments.ts';

const shards = [
  { id: 7, owners: [1, 5] },
  { id: 8, owners: [1, 6] },
  { id: 9, owners: [5, 6] },
];

/** Of a catalog what is looked at. */
const catalog = {
  index: 40,
  maxShardId: 9,
  databases: {
    shards: () => shards.map((shard) => ({ shard })),
    shard: (id: number) => {
      const shard = shards.find((one) => one.id === id);
      return shard && { shard, database: 'd', retentionPolicy: 'r' };
    },
  },
} as unknown as Catalog;

const place = { database: 'd', retentionPolicy: 'r' };
const held = [
  { ...place, shardId: 7, clusterId: 1n },
  { ...place, shardId: 8, clusterId: 1n },
  { ...place, shardId: 99, clusterId: 2n },
];

/** One run of a node, whose log has a batch of each shard. */
class Run {
  readonly passedOn: string[] = [];
  /** Of the catalogs that named the owners. */
  readonly indexes: (number | undefined)[] = [];
  readonly asked: LatelyLoggedTask[] = [];
  letGoCount = 0;
  isSettled = true;
  nodeId = 1;
  readonly clusterId = 1n;
  catalog = catalog;
  deletes: readonly StoredDelete[] = [];
  readonly #node: SimNode;

  constructor(node: SimNode) {
    this.#node = node;
  }

  async open(): Promise<LastMoments> {
    const { clock, disk, log } = this.#node.env;
    await disk.makeDir('meta');
    return LastMoments.open(
      {
        ...{ clock, disk, log },
        meta: this,
        local: {
          facts: { holdings: () => Promise.resolve(held) },
          latelyLogged: (task) => {
            this.asked.push(task);
            return Promise.resolve(
              [7, 8].map((shardId) => ({ shardId, payload: new Uint8Array(1) })),
            );
          },
          letRunsBeforeGo: () => {
            this.letGoCount++;
            return Promise.resolve();
          },
        },
        storedDeletes: () => Promise.resolve(this.deletes),
        passOn: ({ shardId, database, retentionPolicy, catalogIndex }, owners) => {
          this.indexes.push(catalogIndex);
          this.passedOn.push(`${database}.${retentionPolicy} ${shardId} to ${owners.join()}`);
          return Promise.resolve();
        },
        isSettled: () => this.isSettled,
      },
      { folder: 'meta', windowNs: 15n },
    );
  }
}

test('last moments: a node that has not ended before brings what it took last to the other owners, once it has ended nothing', async () => {
  const world = new World(1);
  const node = world.addNode('a');
  const first = new Run(node);
  const moments = await world.complete(first.open());
  await world.run(world.nowMs + 5_000);
  expect(first.asked).toEqual([{ shardIds: [7, 8], windowNs: 15n }]);
  expect(first.passedOn).toEqual(['d.r 7 to 5', 'd.r 8 to 6']);
  expect(first.letGoCount).toBe(1);
  await world.complete(moments.close());
  await world.complete(moments.end());
  const second = new Run(node);
  await world.complete(second.open());
  await world.run(world.nowMs + 5_000);
  expect(second.asked).toEqual([]);
  expect(second.letGoCount).toBe(1);
  // It was killed.
  const third = new Run(node);
  await world.complete(third.open());
  await world.run(world.nowMs + 5_000);
  expect(third.passedOn).toHaveLength(2);
});

test('last moments: whoever is brought something is told by which catalog it is an owner', async () => {
  const world = new World(1);
  const run = new Run(world.addNode('a'));
  await world.complete(run.open());
  await world.run(world.nowMs + 5_000);
  expect(run.indexes).toEqual([40, 40]);
});

test('last moments: what is older than all deletes that its shard remembers stays, once some are forgotten', async () => {
  const deletesOf = (count: number): readonly StoredDelete[] =>
    Array.from({ length: count }, (_, i) => ({ stamp: BigInt(i + 1), minTimeNs: 0n, maxTimeNs: 9n, filter: `${i}` })); // prettier-ignore
  const broughtWith = async (deletes: readonly StoredDelete[]): Promise<number> => {
    const world = new World(1);
    const run = new Run(world.addNode('a'));
    run.deletes = deletes;
    await world.complete(run.open());
    await world.run(world.nowMs + 5_000);
    return run.passedOn.length;
  };
  expect(await broughtWith(deletesOf(255))).toBe(2);
  expect(await broughtWith(deletesOf(256))).toBe(0);
});

test.each(['other nodes have copies in hand', 'it has not brought what it had'])(
  'last moments: a node has not ended well where %s',
  async (reason) => {
    const world = new World(1);
    const node = world.addNode('a');
    const first = new Run(node);
    const moments = await world.complete(first.open());
    if (reason.startsWith('other')) {
      await world.run(world.nowMs + 5_000);
      first.isSettled = false;
    }
    await world.complete(moments.close());
    await world.complete(moments.end());
    const second = new Run(node);
    await world.complete(second.open());
    await world.run(world.nowMs + 5_000);
    expect(second.asked).toHaveLength(1);
  },
);

test.each([0, 7])(
  'last moments: nothing is brought or let go of by a catalog that has shards up to %i, and one of 8 is here',
  async (maxShardId) => {
    const world = new World(1);
    const node = world.addNode('a');
    const run = new Run(node);
    const older = { ...catalog, maxShardId, databases: { shards: () => shards.filter(({ id }) => id <= maxShardId).map((shard) => ({ shard })) } }; // prettier-ignore
    run.catalog = older as unknown as Catalog;
    const moments = await world.complete(run.open());
    await world.run(world.nowMs + 60_000);
    expect([run.asked, run.letGoCount]).toEqual([[], 0]);
    run.catalog = catalog;
    await world.run(world.nowMs + 2_000);
    expect(run.passedOn).toEqual(['d.r 7 to 5', 'd.r 8 to 6']);
    expect(run.letGoCount).toBe(1);
    await world.complete(moments.close());
    await world.complete(moments.end());
    expect(await world.complete(node.env.disk.size('meta/ended'))).toBe(0);
    // It is told to stop before a meta node was heard.
    const third = new Run(node);
    await world.complete(node.env.disk.remove('meta/ended'));
    third.catalog = older as unknown as Catalog;
    const early = await world.complete(third.open());
    await world.run(world.nowMs + 5_000);
    await world.complete(early.close());
    await world.complete(early.end());
    expect(await world.complete(node.env.disk.size('meta/ended'))).toBe(undefined);
  },
);

test('last moments: a catalog that never has what is here is gone by in the end, as the log is kept till then', async () => {
  const world = new World(1);
  const run = new Run(world.addNode('a'));
  run.catalog = { ...catalog, maxShardId: 7 };
  await world.complete(run.open());
  await world.run(world.nowMs + 500_000);
  expect(run.letGoCount).toBe(0);
  await world.run(world.nowMs + 200_000);
  expect([run.letGoCount, run.passedOn.length]).toEqual([1, 2]);
});

test('last moments: of a node whose shards nobody else has the log is not read', async () => {
  const world = new World(1);
  const node = world.addNode('a');
  const first = new Run(node);
  first.nodeId = 3;
  const moments = await world.complete(first.open());
  await world.run(world.nowMs + 5_000);
  await world.complete(moments.close());
  await world.complete(moments.end());
  expect([first.asked, first.passedOn]).toEqual([[], []]);
  expect(await world.complete(node.env.disk.size('meta/ended'))).toBe(0);
});

test('last moments: the mark of an end is gone for good before the node takes anything, also where power is lost then', async () => {
  for (let seed = 1; seed <= 8; seed++) {
    const world = new World(seed);
    const node = world.addNode('a');
    const moments = await world.complete(new Run(node).open());
    await world.run(world.nowMs + 5_000);
    await world.complete(moments.close());
    await world.complete(moments.end());
    await world.complete(new Run(node).open());
    node.crash();
    node.restart();
    const next = new Run(node);
    await world.complete(next.open());
    await world.run(world.nowMs + 5_000);
    expect(next.passedOn).toHaveLength(2);
  }
});
