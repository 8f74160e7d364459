import { expect, test } from 'vitest';
import { DbError } from '../../base/errors.ts';
import type { Log } from '../../env/log.ts';
import type { Catalog } from '../../meta/model/catalog.ts';
import { Databases } from '../../meta/model/databases.ts';
import { rowCountOf } from '../../models/point-batch.ts';
import { makeStamp } from '../../models/stamp.ts';
import type { DeletePointsRequest, ShardBatch } from '../engine/shard-access.ts';
import { deleteOfHint, hintOfDelete } from './delete-hint.ts';
import { HintDeliveries } from './hint-deliveries.ts';
import { keepDeletes } from './keep-delete.ts';

const request: DeletePointsRequest = {
  shardIds: [1],
  measurements: [
    { name: 'größe' },
    { name: 'm', predicate: { kind: 'compare', operator: '=', left: { kind: 'tag', name: 'h' }, right: { kind: 'constant', value: 'a' } } }, // prettier-ignore
  ],
  minTimeNs: -(1n << 63n),
  maxTimeNs: 9n,
  catalogIndex: 3,
  stamp: makeStamp(1_700_000_000_000_000_001n, 7, 4_000_000_000),
};
const payload = new Uint8Array(64).fill(1);

test('hint of a delete: comes back as it was, has no rows, and a write is none', () => {
  const hint = hintOfDelete(request);
  expect(deleteOfHint(hint)).toEqual(request);
  expect(rowCountOf(hint)).toBe(0);
  expect(deleteOfHint(payload)).toBeUndefined();
  expect(deleteOfHint(new Uint8Array(3))).toBeUndefined();
  const { stamp: _, ...old } = request;
  expect(deleteOfHint(hintOfDelete(old))?.stamp).toBeUndefined();
});

const policy = { name: 'p', shardGroups: [{ id: 1, startNs: 0n, endNs: 9n, shards: [{ id: 1, owners: [2] }] }] }; // prettier-ignore
const catalog = {
  dataNodes: [{ id: 2 }],
  maxNodeId: 2,
  maxShardId: 1,
  databases: Databases.of([{ name: 'd', retentionPolicies: [policy] } as never]),
} as unknown as Catalog;
const options = { deadlineMs: 1, signal: new AbortController().signal };

/** Brings a write, a delete and a write to an owner that answers the delete so. */
function bring(answer: () => Promise<void>, hint = hintOfDelete(request)) {
  const brought: string[] = [];
  const access = {
    writeMany: (batches: readonly ShardBatch[]) => {
      brought.push(`${batches.length} writes of ${batches[0]?.database}`);
      return Promise.resolve(batches.map(() => ({ kind: 'written', droppedCount: 0, reason: '' })));
    },
    deletePoints: ({ stamp }: DeletePointsRequest) => {
      brought.push(`delete ${stamp === request.stamp}`);
      return answer();
    },
  };
  const shards = { of: () => access as never };
  const target = new HintDeliveries({
    meta: { catalog },
    shards,
    nowMs: () => 0,
    onChange: () => undefined,
  });
  const hints = [payload, hint, payload];
  return { brought, outcomes: target.deliver({ nodeId: 2, shardId: 1 }, hints, options) };
}

test('hint of a delete: it is brought among writes, each outcome in its place', async () => {
  const { brought, outcomes } = bring(() => Promise.resolve());
  expect((await outcomes).map(({ kind }) => kind)).toEqual(['written', 'written', 'written']);
  expect(brought).toEqual(['delete true', '2 writes of d']);
  const full = bring(() => Promise.reject(new DbError('disk_full', 'no space')));
  expect((await full.outcomes).map(({ kind }) => kind)).toEqual(['written', 'failed', 'written']);
  const bad = bring(() => Promise.reject(new DbError('invalid_argument', 'no')));
  expect((await bad.outcomes).map(({ kind }) => kind)).toEqual(['written', 'refused', 'written']);
  const away = bring(() => Promise.reject(new DbError('unavailable', 'gone')));
  await expect(away.outcomes).rejects.toThrow('gone');
});

test('hint of a delete: one that does not read is dropped, what is around it is written', async () => {
  const spoilt = hintOfDelete(request).subarray(0, 20);
  const { brought, outcomes } = bring(() => Promise.resolve(), spoilt);
  expect((await outcomes).map(({ kind }) => kind)).toEqual(['written', 'refused', 'written']);
  expect(brought).toEqual(['2 writes of d']);
});

test('hint of a delete: it is kept shard by shard, and what cannot be kept is logged', async () => {
  const kept: string[] = [];
  const warnings: string[] = [];
  const append = (nodeId: number, shardId: number, hints: readonly Uint8Array[]): Promise<void> => {
    if (shardId === 3) return Promise.reject(new DbError('queue_full', 'queue is full'));
    kept.push(`${nodeId} ${shardId} ${hints.map((one) => deleteOfHint(one)?.shardIds.join()).join()}`); // prettier-ignore
    return Promise.resolve();
  };
  const log = { warn: (text: string, fields: object) => warnings.push(`${text} ${JSON.stringify(fields)}`) } as unknown as Log; // prettier-ignore
  const noted: string[] = [];
  const noteIndex = (...at: readonly unknown[]): void => void noted.push(at.join());
  await keepDeletes({ hints: { append }, log, noteIndex })(2, { ...request, shardIds: [1, 3, 5] });
  expect(kept).toEqual(['2 1 1', '2 5 5']);
  expect(noted).toEqual(['2,1,3', '2,3,3', '2,5,3']);
  expect(warnings).toEqual(['A delete could not be kept for its owner {"nodeId":2,"shardId":3,"error":"queue is full"}']); // prettier-ignore
});
