import { expect, test } from 'vitest';
import { emptyCatalog } from '../../meta/model/catalog.ts';
import type { LocalShards } from '../engine/local-shards.ts';
import type { ShardBatch } from '../engine/shard-access.ts';
import type { FieldTypes } from './field-types.ts';
import { LeaseFences } from './lease-fences.ts';
import { OwnedShards } from './owned-shards.ts';

test('owned shards: what an old holder of a lease sends is refused, what came with it is written', async () => {
  const written: ShardBatch[] = [];
  const fieldTypes = {
    write: (batch: ShardBatch) => {
      written.push(batch);
      return Promise.resolve({ kind: 'written', droppedCount: 0, reason: '' });
    },
  } as unknown as FieldTypes;
  const lease = { name: 'cq', nodeId: 4, expiresNs: 0n, token: 2 };
  const fences = new LeaseFences({ catalog: { ...emptyCatalog, leases: [lease] } });
  const shards = new OwnedShards({} as unknown as LocalShards, fieldTypes, fences);
  const batch = (shardId: number) => {
    return { shardId, database: 'db', retentionPolicy: 'autogen', payload: new Uint8Array(1) };
  };
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
