import { expect, test } from 'vitest';
import { DbError } from '../../base/errors.ts';
import type { ShardBatch } from '../engine/shard-access.ts';
import { emptyCatalog } from '../../meta/model/catalog.ts';
import { HandOver } from './hand-over.ts';
import { keeperOf } from './keep-writes.ts';
import type { ShareOutcome } from './share.ts';

const batch = { shardId: 7, payload: new Uint8Array(10) } as unknown as ShardBatch;
const full: ShareOutcome = { kind: 'lost', error: new DbError('disk_full', 'no space left') };

/** Nodes 2 to 5 besides this one; 3 and 4 own the shard. Those of `able` keep what they are asked to. */
function handOver(able: readonly number[], bytesMax?: number) {
  const asked: string[] = [];
  const one = new HandOver(
    {
      peers: () => ({ all: [2, 3, 4, 5], owners: [1, 3, 4] }),
      keep: (nodeId, ownerId) => {
        asked.push(`${nodeId} for ${ownerId}`);
        if (able.includes(nodeId)) return Promise.resolve();
        return Promise.reject(new DbError('unavailable', 'gone'));
      },
    },
    bytesMax,
  );
  return { one, asked };
}

test('hand over: a copy that is lost here is kept by another owner, else by another node, and two are asked', async () => {
  const first = handOver([3]);
  expect((await first.one.settle(1, batch, full)).kind).toBe('queued');
  expect(first.asked).toEqual(['3 for 1']);
  const second = handOver([2, 4]);
  expect((await second.one.settle(3, batch, full)).kind).toBe('queued');
  expect(second.asked).toEqual(['4 for 3']);
  const none = handOver([2]);
  expect(await none.one.settle(1, batch, full)).toBe(full);
  expect(none.asked).toEqual(['3 for 1', '4 for 1']);
});

test('hand over: what is written, queued or wrong in itself is left alone', async () => {
  const { one, asked } = handOver([3]);
  for (const outcome of [
    { kind: 'queued', error: new DbError('unavailable', 'down') },
    { kind: 'lost', error: new DbError('field_type_conflict', 'no') },
  ] as const)
    expect(await one.settle(1, batch, outcome)).toBe(outcome);
  expect(asked).toEqual([]);
});

test('hand over: past its bytes a copy is lost, and room comes back', async () => {
  const { one } = handOver([3], 15);
  const both = await Promise.all([one.settle(1, batch, full), one.settle(1, batch, full)]);
  expect(both.map(({ kind }) => kind)).toEqual(['queued', 'lost']);
  expect((await one.settle(1, batch, full)).kind).toBe('queued');
});

/** Node 9, which knows shard 7 as one of node 3; what it keeps. */
function keeper(isFull = false) {
  const kept: string[] = [];
  const keep = keeperOf({
    meta: { nodeId: 9, catalog: emptyCatalog },
    standing: (nodeId, shardId) => (nodeId === 3 && shardId === 7 ? 'owner' : 'gone'),
    hintsOf: (nodeId) => ({
      closing: () => undefined,
      isQueued: () => false,
      enqueue: (batches) => {
        if (isFull) return Promise.resolve({ kind: 'lost', error: new DbError('disk_full', 'no space') }); // prettier-ignore
        kept.push(`${batches.length} for ${nodeId}`);
        return Promise.resolve({ kind: 'queued', error: undefined });
      },
    }),
  });
  return { keep, kept };
}

test('hand over: a node keeps what an owner is due, and refuses what nobody is', async () => {
  const { keep, kept } = keeper();
  await keep(3, [batch, batch]);
  expect(kept).toEqual(['2 for 3']);
  await expect(keep(4, [batch])).rejects.toThrow('shard 7 is not on node 4');
  await expect(keep(9, [batch])).rejects.toThrow('for another node');
  await expect(keep(3, [batch, { ...batch, shardId: 8 }])).rejects.toThrow('of one shard');
  await expect(keeper(true).keep(3, [batch])).rejects.toThrow('no space');
});
