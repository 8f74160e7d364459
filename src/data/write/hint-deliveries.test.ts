import { expect, test } from 'vitest';
import type { Catalog } from '../../meta/model/catalog.ts';
import { Databases } from '../../meta/model/databases.ts';
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
  const state = { meta: { catalog }, nowMs: 1_000 };
  const shards = { of: () => undefined as never };
  const target = new HintDeliveries({ meta: state.meta, shards, nowMs: () => state.nowMs, onChange: () => undefined }); // prettier-ignore
  return { state, target };
}

test('hint deliveries: what has left the catalog is gone at once, and an owner that is one no more', () => {
  const { state, target } = deliveries(catalogAt(5));
  expect([target.standing(2, 1), target.standing(4, 1), target.standing(2, 9)]).toEqual(['owner', 'gone', 'gone']); // prettier-ignore
  state.meta.catalog = catalogAt(6, [3]);
  expect([target.standing(2, 1), target.standing(3, 1)]).toEqual(['gone', 'owner']);
});

test('hint deliveries: a queue of before for a copy that was given up goes within hours, once the catalog has gone on', () => {
  const { state, target } = deliveries(catalogAt(5));
  expect(target.standing(3, 1)).toBe('unknown');
  state.nowMs += 5 * hourMs;
  // No meta node has been heard since.
  expect(target.standing(3, 1)).toBe('unknown');
  state.meta.catalog = catalogAt(6);
  expect(target.standing(3, 1)).toBe('gone');
});

test('hint deliveries: the time begins when nobody knows, and anew when the node has been an owner meanwhile', () => {
  const { state, target } = deliveries(catalogAt(5));
  expect(target.standing(3, 1)).toBe('unknown');
  state.meta.catalog = catalogAt(6);
  state.nowMs += hourMs - 1;
  expect(target.standing(3, 1)).toBe('unknown');
  state.nowMs += 1;
  expect(target.standing(3, 1)).toBe('gone');
  const other = deliveries(catalogAt(5));
  expect(other.target.standing(3, 1)).toBe('unknown');
  other.state.meta.catalog = catalogAt(6, [2, 3]);
  expect(other.target.standing(3, 1)).toBe('owner');
});
