import { expect, test } from 'vitest';
import type { Log } from '../../env/log.ts';
import { rowCountOf } from '../../models/point-batch.ts';
import { PointBatchBuilder } from '../../models/point-batch-builder.ts';
import { DbError } from '../../base/errors.ts';
import type { Catalog } from '../../meta/model/catalog.ts';
import { Databases } from '../../meta/model/databases.ts';
import type { ShardBatch } from '../engine/shard-access.ts';
import { batchOfHint, hintOf } from './fenced-hint.ts';
import { HintDeliveries } from './hint-deliveries.ts';
import { NodeHintSink } from './node-hint-sink.ts';

function batch(fence?: ShardBatch['fence']): ShardBatch {
  const builder = new PointBatchBuilder();
  const fields = new Map([['v', { type: 'float', value: 1 }]] as const);
  for (const timeNs of [1n, 2n]) builder.add('m', { measurement: 'm', tags: [], fields, timeNs });
  return { shardId: 1, database: 'd', retentionPolicy: 'p', payload: builder.finish(), fence };
}

const policy = {
  name: 'p',
  replication: 1,
  durationNs: 0n,
  shardGroupDurationNs: 1_000n,
  futureLimitNs: 0n,
  pastLimitNs: 0n,
  shardGroups: [{ id: 1, startNs: 0n, endNs: 1_000n, shards: [{ id: 1, owners: [2] }] }],
};
const database = { name: 'd', defaultRetentionPolicy: 'p', retentionPolicies: [policy] };
const catalog = {
  dataNodes: [{ id: 2 }],
  maxNodeId: 2,
  maxShardId: 1,
  databases: Databases.of([database as never]),
} as unknown as Catalog;

test('fenced hint: a batch comes back with its fence, one without as it was', () => {
  const plain = batch();
  expect(hintOf(plain)).toBe(plain.payload);
  expect(batchOfHint(plain.payload)).toEqual({ payload: plain.payload });
  for (const lease of ['', 'continuous_querier', 'größe'])
    for (const token of [0, 7, 2 ** 40]) {
      const fenced = batch({ lease, token });
      const hint = hintOf(fenced);
      expect(rowCountOf(hint)).toBe(2);
      expect(batchOfHint(hint).fence).toEqual({ lease, token });
      expect(Buffer.compare(batchOfHint(hint).payload, fenced.payload)).toBe(0);
    }
});

test('fenced hint: a name beyond the end is corrupt', () => {
  const hint = hintOf(batch({ lease: 'l', token: 1 }));
  new DataView(hint.buffer).setUint32(16, 2 ** 31, true);
  expect(() => batchOfHint(hint)).toThrow(expect.objectContaining({ code: 'corrupt' }));
});

test('hinted handoff: what the holder of a lease wrote is shown its fence when it is brought, and waits no more once it has lost it', async () => {
  const kept: Uint8Array[] = [];
  const store = {
    closing: () => undefined,
    isQueued: () => false,
    append: (_nodeId: number, _shardId: number, payloads: readonly Uint8Array[]) => {
      kept.push(...payloads);
      return Promise.resolve();
    },
  };
  const sink = new NodeHintSink(
    { hints: store, log: {} as unknown as Log, noteIndex: () => undefined },
    2,
  );
  await sink.enqueue([batch({ lease: 'cq', token: 3 }), batch()], new DbError('timeout', 'away'));
  const shown: ShardBatch['fence'][] = [];
  const deliveries = new HintDeliveries({
    nowMs: () => 0,
    meta: { catalog },
    shards: {
      of: () => ({
        writeMany: (batches: readonly ShardBatch[]) => {
          shown.push(...batches.map(({ fence }) => fence));
          const lost = { kind: 'failed', error: new DbError('lease_lost', 'another node has the lease: cq') }; // prettier-ignore
          return Promise.resolve([lost, { kind: 'written', droppedCount: 0, reason: '' }]);
        },
      }),
    } as never,
    onChange: () => undefined,
  });
  const options = { deadlineMs: 1_000, signal: new AbortController().signal };
  const outcomes = await deliveries.deliver({ nodeId: 2, shardId: 1 }, kept, options);
  expect(shown).toEqual([{ lease: 'cq', token: 3 }, undefined]);
  // Nor is its owner one that lacks it for good: it asks the others.
  expect(outcomes.map(({ kind }) => kind)).toEqual(['written', 'written']);
});
