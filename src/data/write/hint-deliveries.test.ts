import { expect, test } from 'vitest';
import { DbError } from '../../base/errors.ts';
import type { Catalog } from '../../meta/model/catalog.ts';
import { Databases } from '../../meta/model/databases.ts';
import type { ShardBatch } from '../engine/shard-access.ts';
import { HintDeliveries } from './hint-deliveries.ts';

/** Shard 1 of node 2; shard 9 was dropped. */
function catalogAt(index: number, owners: readonly number[] = [2]): Catalog {
  const policy = { name: 'p', shardGroups: [{ id: 1, startNs: 0n, endNs: 9n, shards: [{ id: 1, owners }] }] }; // prettier-ignore
  const databases = Databases.of([{ name: 'd', retentionPolicies: [policy] } as never]);
  const dataNodes = [{ id: 2 }, { id: 3 }];
  return { index, dataNodes, maxNodeId: 4, maxShardId: 9, databases } as unknown as Catalog;
}

const hourMs = 3_600_000;

function deliveries(catalog: Catalog) {
  const state = {
    meta: { catalog },
    nowMs: 1_000,
    asked: [] as number[],
    failing: 0,
    indexes: [] as (number | undefined)[],
  };
  const shards = {
    of: (nodeId: number) => {
      state.asked.push(nodeId);
      const isFailing = nodeId === state.failing;
      const outcome = isFailing ? { kind: 'failed', error: new DbError('unavailable', 'no') } : { kind: 'written', droppedCount: 0, reason: '' }; // prettier-ignore
      const writeMany = (batches: readonly ShardBatch[]) => {
        state.indexes.push(...batches.map(({ catalogIndex }) => catalogIndex));
        return Promise.resolve(batches.map(() => outcome));
      };
      return { writeMany } as never;
    },
  };
  const target = new HintDeliveries({ meta: state.meta, shards, nowMs: () => state.nowMs, onChange: () => undefined }); // prettier-ignore
  return { state, target };
}

test('hint deliveries: what waits for a node goes with its shard alone', () => {
  const { state, target } = deliveries(catalogAt(5));
  expect([target.standing(2, 1), target.standing(4, 1), target.standing(2, 9)]).toEqual(['owner', 'owner', 'gone']); // prettier-ignore
  state.meta.catalog = catalogAt(6, [3]);
  expect([target.standing(2, 1), target.standing(3, 1)]).toEqual(['owner', 'owner']);
  state.meta.catalog = catalogAt(6, []);
  expect(target.standing(2, 1)).toBe('gone');
});

test('hint deliveries: a write that was routed to an owner which is one no more when it is queued goes to those of now', () => {
  const { state, target } = deliveries(catalogAt(6, [3]));
  target.noteIndex(2, 1, 5);
  target.onQueued(2, 1);
  expect(target.standing(2, 1)).toBe('owner');
  target.onDrained(2, 1);
  // Who routed it may know more than this node by now.
  target.noteIndex(2, 1, 7);
  target.onQueued(2, 1);
  expect(target.standing(2, 1)).toBe('unknown');
  state.meta.catalog = catalogAt(7, [3]);
  expect(target.standing(2, 1)).toBe('owner');
});

test('hint deliveries: a node that is about to leave has a catalog of nothing, and drops nothing by it', () => {
  const { state, target } = deliveries(catalogAt(5));
  expect(target.standing(2, 1)).toBe('owner');
  state.meta.catalog = { ...catalogAt(0, []), databases: Databases.empty, dataNodes: [], maxNodeId: 0, maxShardId: 0 }; // prettier-ignore
  expect(target.standing(2, 1)).toBe('unknown');
  // It could not leave.
  state.meta.catalog = catalogAt(5);
  expect(target.standing(2, 1)).toBe('owner');
});

test('hint deliveries: what waits for an owner that is one no more goes to all who are', async () => {
  const { state, target } = deliveries(catalogAt(5));
  const options = { deadlineMs: 1_000, signal: new AbortController().signal };
  const hints = [new Uint8Array(64), new Uint8Array(64)];
  expect(target.standing(2, 1)).toBe('owner');
  state.meta.catalog = catalogAt(6, [3, 5]);
  expect((await target.deliver({ nodeId: 2, shardId: 1 }, hints, options)).map(({ kind }) => kind)).toEqual(['written', 'written']); // prettier-ignore
  expect(state.asked).toEqual([3, 5]);
  state.failing = 5;
  expect((await target.deliver({ nodeId: 2, shardId: 1 }, hints, options)).map(({ kind }) => kind)).toEqual(['failed', 'failed']); // prettier-ignore
});

test('hint deliveries: a queue of before for a copy that was given up is for the owners within hours, once the catalog has gone on', () => {
  const { state, target } = deliveries(catalogAt(5));
  expect(target.standing(3, 1)).toBe('unknown');
  state.nowMs += 5 * hourMs;
  // No meta node has been heard since.
  expect(target.standing(3, 1)).toBe('unknown');
  state.meta.catalog = catalogAt(6);
  expect(target.standing(3, 1)).toBe('owner');
});

test('hint deliveries: the time begins when nobody knows, and anew when the node has been an owner meanwhile', () => {
  const { state, target } = deliveries(catalogAt(5));
  expect(target.standing(3, 1)).toBe('unknown');
  state.meta.catalog = catalogAt(6);
  state.nowMs += hourMs - 1;
  expect(target.standing(3, 1)).toBe('unknown');
  state.nowMs += 1;
  expect(target.standing(3, 1)).toBe('owner');
  const other = deliveries(catalogAt(5));
  expect(other.target.standing(3, 1)).toBe('unknown');
  other.state.meta.catalog = catalogAt(6, [2, 3]);
  expect(other.target.standing(3, 1)).toBe('owner');
});

test('hint deliveries: what an owner has passed on is brought as that, behind what an earlier run has left', async () => {
  const { state, target } = deliveries(catalogAt(9));
  const options = { deadlineMs: 1_000, signal: new AbortController().signal };
  const hints = [1, 2, 3].map((byte) => new Uint8Array(64).fill(byte));
  const [, passedOn = new Uint8Array(), earlier = new Uint8Array()] = hints;
  const batchOf = (payload: Uint8Array, catalogIndex: number): ShardBatch => ({ shardId: 1, database: 'd', retentionPolicy: 'p', payload, catalogIndex }); // prettier-ignore
  // Of the first one nobody knows who routed it.
  target.onQueued(2, 1);
  target.noteIndex(2, 1, 9, [batchOf(passedOn, 9)]);
  target.onQueued(2, 1);
  await target.deliver({ nodeId: 2, shardId: 1 }, hints, options);
  expect(state.indexes).toEqual([0, 9, 0]);
  target.onDrained(2, 1);
  target.noteIndex(2, 1, 5, [batchOf(earlier, 5), batchOf(passedOn, 9)]);
  target.onQueued(2, 1);
  await target.deliver({ nodeId: 2, shardId: 1 }, hints.slice(1), options);
  expect(state.indexes.slice(3)).toEqual([9, 5]);
});
