import { expect, test } from 'vitest';
import { DbError } from '../../../base/errors.ts';
import type { ShardInfo } from '../../../meta/model/catalog.ts';
import { FailedOwners } from '../../shards/failed-owners.ts';
import { readSchema, type SchemaPorts } from './schema-reader.ts';

test('schema reader: an owner that a request has waited for in vain is not asked by its next try', async () => {
  const asked: number[] = [];
  const of = (nodeId: number) => ({
    describe: (shardIds: readonly number[]) => {
      asked.push(nodeId);
      const measurements = [{ name: `of ${nodeId}`, fields: [], tagKeys: [] }];
      return Promise.resolve({ measurements, lanes: [shardIds] });
    },
  });
  const clock = { monotonicMs: () => 0 };
  const ports = { clock, meta: { nodeId: 1 }, random: { u32: () => 0 }, shards: { of, missedAt: () => 0 } } as unknown as SchemaPorts; // prettier-ignore
  const shard = { id: 7, owners: [2, 3] } as unknown as ShardInfo;
  const scopes = [{ database: 'd', shards: [shard], isNamed: () => true }];
  const { signal } = new AbortController();
  for (const silent of [2, 3]) {
    const failedBefore = new FailedOwners();
    failedBefore.add(silent, new DbError('timeout', 'it does not answer'));
    const names = await readSchema(ports, scopes, { signal, failedBefore }, ({ schemas }) => Promise.resolve(schemas.map(({ name }) => name))); // prettier-ignore
    expect(names).toEqual([`of ${5 - silent}`]);
  }
  expect(asked).toEqual([3, 2]);
});
