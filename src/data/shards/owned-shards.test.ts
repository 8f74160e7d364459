import { expect, test } from 'vitest';
import { DbError } from '../../base/errors.ts';
import { emptyCatalog, type Catalog } from '../../meta/model/catalog.ts';
import { Databases } from '../../meta/model/databases.ts';
import type { ShardCopy } from '../../meta/model/shard-copies.ts';
import type { LocalShards } from '../engine/local-shards.ts';
import type { DeletePointsRequest, TypedBatch } from '../engine/shard-access.ts';
import { PointBatchBuilder } from '../../models/point-batch-builder.ts';
import { isBrought, makeStamp, stampBatch, stampOfBatch } from '../../models/stamp.ts';
import { IncomingDeletes } from './incoming-deletes.ts';
import { LeaseFences } from './lease-fences.ts';
import { OwnedShards } from './owned-shards.ts';

/** Of no batch: whoever looks for its fields finds so. */
const spoilt = new Uint8Array(2);
/** Who brings a shard. */
const job = {};
const lease = { name: 'cq', nodeId: 4, expiresNs: 0n, token: 2 };

/** Shards 1 to 3 of node 4, the third of node 5 since the catalog of 20; another one of node 6. */
function catalogOf(copies: readonly ShardCopy[] = []): Catalog {
  const joined = [{ nodeId: 5, beganIndex: 18, ownedIndex: 20 }];
  const shards = [
    { id: 1, owners: [4] },
    { id: 2, owners: [4] },
    { id: 3, owners: [4, 5], joined },
    { id: 9, owners: [6] },
  ];
  const policy = { name: 'autogen', shardGroups: [{ id: 1, startNs: 0n, endNs: 1n, shards }] };
  const databases = Databases.of([{ name: 'db', retentionPolicies: [policy] }] as never);
  const more = copies.length === 0 ? {} : { copies };
  return { ...emptyCatalog, ...more, leases: [lease], databases, index: 30, maxShardId: 9 };
}

function copyOf(shardId: number, destinationId: number, state: ShardCopy['state'] = 'copying') {
  return { shardId, sourceId: 4, destinationId, startedNs: 0n, beganIndex: 25, state };
}

/** Node 4; what it writes and passes on is noted. */
function node4(catalog = catalogOf()) {
  const written: TypedBatch[] = [];
  const passedOn: string[] = [];
  const deleted: string[] = [];
  const meta = { catalog, nodeId: 4 };
  const deletes = new IncomingDeletes();
  const local = {
    deletePoints: ({ shardIds }: DeletePointsRequest) => {
      deleted.push(shardIds.join());
      return Promise.resolve();
    },
  } as unknown as LocalShards;
  const shards = new OwnedShards({
    ...{ meta, local, deletes, fences: new LeaseFences(meta) },
    fieldTypes: {
      write: (batch) => {
        if (batch.payload === spoilt) throw new DbError('corrupt', 'no batch');
        written.push(batch);
        return Promise.resolve({ kind: 'written', droppedCount: 0, reason: '' });
      },
    },
    passOn: (nodeId, { shardId, catalogIndex }) => {
      passedOn.push(`write ${shardId} to ${nodeId} at ${catalogIndex}`);
      return Promise.resolve();
    },
    onUnclear: ({ shardId, payload }) => {
      passedOn.push(`unclear ${shardId}${isBrought(stampOfBatch(payload)) ? ', brought' : ''}`);
    },
    passOnDelete: (nodeId, { shardIds, catalogIndex }) => {
      passedOn.push(`delete ${shardIds.join()} to ${nodeId} at ${catalogIndex}`);
      return Promise.resolve();
    },
  });
  return { shards, written, passedOn, deleted, deletes, meta };
}

const batch = (shardId: number, catalogIndex = 30) => {
  const place = { shardId, database: 'db', retentionPolicy: 'autogen' };
  return { ...place, payload: new Uint8Array(1), catalogIndex };
};
const deleteOf = (shardIds: readonly number[], catalogIndex: number) => {
  return { shardIds, measurements: [], minTimeNs: 0n, maxTimeNs: 9n, catalogIndex };
};

test('owned shards: what an old holder of a lease sends is refused, what came with it is written', async () => {
  const { shards, written } = node4();
  const outcomes = await shards.writeMany([
    batch(1),
    { ...batch(2), fence: { lease: 'cq', token: 1 } },
    { ...batch(3), fence: { lease: 'cq', token: 2 } },
  ]);
  expect(outcomes.map(({ kind }) => kind)).toEqual(['written', 'failed', 'written']);
  expect(outcomes[1]).toMatchObject({ error: { code: 'lease_lost' } });
  // The engine gets a batch as it always is.
  expect(written).toEqual([batch(1), batch(3)]);
});

test('owned shards: what was refused of an old holder of a lease is looked for at the other owners, who may have taken it before', async () => {
  const { shards, passedOn } = node4();
  const payload = new PointBatchBuilder().finish();
  const stamp = makeStamp(5n, 2);
  stampBatch(payload, stamp);
  await shards.writeMany([{ ...batch(3), payload, fence: { lease: 'cq', token: 1 } }, { ...batch(9), payload, fence: { lease: 'cq', token: 1 } }]); // prettier-ignore
  // That of another node is none of its business.
  expect(passedOn).toEqual(['unclear 3, brought']);
  // Its writer has it in hand still.
  expect(stampOfBatch(payload)).toBe(stamp);
});

test('owned shards: a batch that does not read fails by itself, and the others are waited for', async () => {
  const { shards, written } = node4();
  const outcomes = await shards.writeMany([{ ...batch(1), payload: spoilt }, batch(2)]);
  expect(outcomes.map(({ kind }) => kind)).toEqual(['failed', 'written']);
  expect(written.map(({ shardId }) => shardId)).toEqual([2]);
});

test('owned shards: what is copied from here is passed on, and what was routed before an owner came', async () => {
  const elsewhere = { ...copyOf(3, 8), sourceId: 5 };
  const { shards, passedOn } = node4(catalogOf([copyOf(1, 7), copyOf(2, 7, 'discarding'), elsewhere])); // prettier-ignore
  await shards.writeMany([batch(1), batch(2), batch(3, 20)]);
  expect(passedOn.splice(0)).toEqual(['write 1 to 7 at 30']);
  await shards.writeMany([batch(3, 19)]);
  expect(passedOn).toEqual(['write 3 to 5 at 30']);
});

test('owned shards: deletes go where writes go, the shards of a node together', async () => {
  const { shards, passedOn, deleted } = node4(catalogOf([copyOf(1, 7), copyOf(2, 7)]));
  await shards.deletePoints(deleteOf([1, 2, 3], 20));
  expect(passedOn.splice(0)).toEqual(['delete 1,2 to 7 at 30']);
  await shards.deletePoints(deleteOf([3], 19));
  expect(passedOn).toEqual(['delete 3 to 5 at 30']);
  expect(deleted).toEqual(['1,2,3', '3']);
});

test('owned shards: a node that is brought a shard writes it as that, and keeps deletes for the copy', async () => {
  const bringing = { ...copyOf(9, 4), sourceId: 6 };
  const { shards, written, passedOn, deletes, meta } = node4(catalogOf([bringing]));
  await shards.writeMany([batch(9)]);
  expect(written).toEqual([{ ...batch(9), copyIndex: 25 }]);
  deletes.begin(9, job);
  await shards.deletePoints(deleteOf([9], 30));
  expect(passedOn).toEqual([]);
  let kept = 0;
  await deletes.install(9, job, (all) => {
    kept = all.length;
    return Promise.resolve();
  });
  expect(kept).toBe(1);
  // Given up: what arrives late makes nothing of the shard again.
  meta.catalog = catalogOf();
  const [late] = await shards.writeMany([batch(9)]);
  expect(late).toMatchObject({ kind: 'failed', error: { code: 'shard_not_found' } });
});

test('owned shards: a shard that was dropped does not come to be again by what arrives late', async () => {
  const { shards, written, meta } = node4(catalogOf());
  meta.catalog = { ...meta.catalog, maxShardId: 9 };
  const outcomes = await shards.writeMany([batch(9), batch(10)]);
  expect(outcomes[0]).toMatchObject({ kind: 'failed', error: { code: 'shard_not_found' } });
  // It may be of a catalog that this node has not heard of.
  expect(written.map(({ shardId }) => shardId)).toEqual([10]);
});

test('incoming deletes: one that comes while a copy is installed is done behind it, and too many spoil the copy', async () => {
  const deletes = new IncomingDeletes();
  deletes.begin(9, job);
  const order: string[] = [];
  const run = () => Promise.resolve(order.push('delete')).then(() => undefined);
  let release: () => void = () => undefined;
  const installing = deletes.install(9, job, async () => {
    await new Promise<void>((resolve) => (release = resolve));
    order.push('install');
  });
  await Promise.resolve();
  await Promise.resolve();
  const deleting = deletes.delete(deleteOf([9], 1), run);
  release();
  await Promise.all([installing, deleting]);
  expect(order).toEqual(['install', 'delete']);
  for (let i = 0; i < 1_000; i++) await deletes.delete(deleteOf([9], 1), run);
  await expect(deletes.install(9, job, () => Promise.resolve())).rejects.toThrow(
    'too many deletes',
  );
  deletes.begin(9, job);
  let keptCount = -1;
  await deletes.install(9, job, (all) => {
    keptCount = all.length;
    return Promise.resolve();
  });
  expect(keptCount).toBe(0);
  deletes.end(9, job);
  await expect(deletes.install(9, job, () => Promise.resolve())).rejects.toThrow('given up');
});

test('owned shards: of two who bring a shard the one that began last is given the deletes, whenever the other one ends', async () => {
  const deletes = new IncomingDeletes();
  const [repair, copy] = [{}, {}];
  deletes.begin(9, repair);
  deletes.begin(9, copy);
  const one = deleteOf([9], 1);
  await expect(deletes.install(9, repair, () => Promise.resolve())).rejects.toThrow('given up');
  deletes.end(9, repair);
  await deletes.delete(one, () => Promise.resolve());
  let given: readonly DeletePointsRequest[] = [];
  await deletes.install(9, copy, (all) => Promise.resolve(void (given = all)));
  expect(given).toEqual([one]);
});
