import { expect, test } from 'vitest';
import type { Clock } from '../../env/clock.ts';
import type { Log } from '../../env/log.ts';
import { emptyCatalog, type Catalog } from '../../meta/model/catalog.ts';
import { Databases } from '../../meta/model/databases.ts';
import { DroppedShards } from './dropped-shards.ts';

const clock = { every: () => ({ cancel: () => undefined }) } as unknown as Clock;
const log = { info: () => undefined, warn: () => undefined } as unknown as Log;

function catalogWith(index: number, ids: readonly number[]): Catalog {
  const shards = ids.map((id) => ({ id, owners: [4] }));
  const shardGroups = [{ id: 1, startNs: 0n, endNs: 1n, shards }];
  const rules = { name: 'autogen', durationNs: 0n, shardGroupDurationNs: 1n, replicaCount: 1, pastLimitNs: 0n, futureLimitNs: 0n }; // prettier-ignore
  const database = { name: 'd', defaultRetentionPolicy: 'autogen', retentionPolicies: [{ ...rules, shardGroups }] }; // prettier-ignore
  return { ...emptyCatalog, index, databases: Databases.of([database]) };
}

test('dropped shards: what leaves the catalog is deleted, also when the disk fails at first; what was never in it stays', async () => {
  const held = new Set([1, 2, 3, 9]);
  const meta = { catalog: catalogWith(5, [1, 2, 3, 4]) };
  let isFailing = true;
  const shards = {
    shardIds: () => Promise.resolve([...held]),
    deleteShards: (ids: readonly number[]) => {
      if (isFailing) return Promise.reject(new Error('disk'));
      for (const id of ids) held.delete(id);
      return Promise.resolve();
    },
  };
  const dropped = new DroppedShards({ clock, log, meta, shards });
  await dropped.check();
  expect([...held]).toEqual([1, 2, 3, 9]);
  meta.catalog = catalogWith(6, [2]);
  await dropped.check();
  expect([...held]).toEqual([1, 2, 3, 9]);
  isFailing = false;
  await dropped.check();
  expect([...held]).toEqual([2, 9]);
  meta.catalog = catalogWith(7, []);
  await dropped.check();
  expect([...held]).toEqual([9]);
  await dropped.close();
});
