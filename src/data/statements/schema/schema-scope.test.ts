import { expect, test } from 'vitest';
import { MemoryMeta } from '../../../../test/support/memory-meta.ts';
import type { Measurement } from '../../../influxql/ast.ts';
import { sourceScopes } from './schema-scope.ts';

test('SHOW: the policy of a request is that of every source that names none, as in 1.12.4', async () => {
  const meta = new MemoryMeta();
  await meta.execute({ kind: 'create-data-node', httpAddress: 'h', tcpAddress: 't', dataNodesMax: 1 }); // prettier-ignore
  for (const name of ['d', 'e', 'f']) await meta.execute({ kind: 'create-database', name });
  await meta.execute({ kind: 'create-retention-policy', database: 'e', policy: { name: 'p' }, isDefault: false }); // prettier-ignore
  await meta.execute({ kind: 'create-shard-groups', database: 'e', retentionPolicy: 'p', timesNs: [0n] }); // prettier-ignore
  const range = { minNs: undefined, maxNs: undefined };
  const place = { catalog: meta.catalog, database: 'd', retentionPolicy: 'p', range };
  const of = (database: string, retentionPolicy = ''): Measurement => ({ kind: 'measurement', database, retentionPolicy, name: 'm' }); // prettier-ignore
  const shardCounts = (...sources: readonly Measurement[]): readonly number[] =>
    sourceScopes(place, sources).map(({ shards }) => shards.length);
  expect(shardCounts(of('e'))).toEqual([1]);
  expect(shardCounts(of('e'), of('f', 'autogen'))).toEqual([1, 0]);
  expect(() => shardCounts(of('f'))).toThrow('retention policy not found: p');
});
