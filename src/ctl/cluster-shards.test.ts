import { expect, test } from 'vitest';
import { type BackupCluster, twoShards } from '../../test/support/backup-cluster.ts';
import { DbError } from '../base/errors.ts';
import type { ShardPlace } from '../meta/model/databases.ts';
import type { ClusterAccess } from './cluster-rpc.ts';
import { ClusterShards } from './cluster-shards.ts';
import type { MetaCaller } from './meta-http.ts';

/** A node that knows no shard before it has been asked `callsUntilHeard` times. */
function newcomer(cluster: BackupCluster, callsUntilHeard: number): ClusterShards {
  let calls = 0;
  const call = (): Promise<{ readonly stagingId: number }> => {
    if (calls++ < callsUntilHeard) return Promise.reject(new DbError('shard_not_found', 'shard 2 is not on this node')); // prettier-ignore
    return Promise.resolve({ stagingId: 1 });
  };
  const access = { clock: cluster.clock, rpc: { call }, catalog: () => cluster.catalog() };
  return new ClusterShards(access as unknown as ClusterAccess, {} as MetaCaller);
}

test('restore: a node that has not heard of a shard yet is waited for, and not where the shard is dropped', async () => {
  const cluster = twoShards();
  const place = cluster.facts.databases.shard(2) as ShardPlace;
  const startMs = cluster.timeMs;
  await newcomer(cluster, 6).install('n1:1', place);
  await expect(newcomer(cluster, Infinity).install('n1:1', place)).rejects.toThrow('not on this node'); // prettier-ignore
  expect(cluster.timeMs - startMs).toBeGreaterThan(30_000);
  cluster.do({ kind: 'drop-database', name: 'tel' });
  const droppedMs = cluster.timeMs;
  await expect(newcomer(cluster, Infinity).install('n1:1', place)).rejects.toThrow('not on this node'); // prettier-ignore
  expect(cluster.timeMs).toBe(droppedMs);
});

test('overwrite: ends once all data nodes that answer have heard of it, and names the others', async () => {
  const cluster = twoShards();
  const { index } = await cluster.catalog();
  const [first = '', ...others] = (await cluster.catalog()).dataNodes.map(({ tcpAddress }) => tcpAddress); // prettier-ignore
  let calls = 0;
  const call = (node: string): Promise<{ readonly index: number }> => {
    if (node !== first) return Promise.reject(new DbError('unavailable', 'it is down'));
    return Promise.resolve({ index: ++calls < 4 ? index - 1 : index });
  };
  const access = { clock: cluster.clock, rpc: { call }, catalog: () => cluster.catalog() };
  const meta = { post: () => Promise.resolve({ firstShardId: 0 }) };
  const target = new ClusterShards(access as unknown as ClusterAccess, meta as unknown as MetaCaller); // prettier-ignore
  expect(await target.overwrite({ databases: [], users: [], clusterId: 1n })).toEqual(others);
  expect(calls).toBe(4);
});
