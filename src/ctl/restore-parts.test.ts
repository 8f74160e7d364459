import { expect, test } from 'vitest';
import { DbError } from '../base/errors.ts';
import { applyCommand } from '../meta/apply/apply.ts';
import { emptyCatalog, type Catalog, type Database } from '../meta/model/catalog.ts';
import { decodeMessage, encodeMessage } from '../rpc/message.ts';
import { ClusterShards } from './cluster-shards.ts';
import type { ClusterRpc } from './cluster-rpc.ts';
import type { MetaCaller } from './meta-http.ts';
import { restoreParts } from './restore-parts.ts';

const groupNs = 3_600_000_000_000n;
const partBytesMax = 64 * 1024;

function large(name: string, firstId: number, groupCount: number): Database {
  const shardGroups = Array.from({ length: groupCount }, (_, i) => {
    const startNs = BigInt(i) * groupNs;
    return { id: firstId + i, startNs, endNs: startNs + groupNs, shards: [{ id: firstId + i, owners: [1, 2, 3] }] }; // prettier-ignore
  });
  const policy = { name: 'p', durationNs: 0n, shardGroupDurationNs: groupNs, replicaCount: 1, pastLimitNs: 0n, futureLimitNs: 0n, shardGroups }; // prettier-ignore
  return { name, defaultRetentionPolicy: 'p', retentionPolicies: [policy] };
}

const user = { name: 'bob', hash: 'x', isAdmin: false, privileges: [] };

test('restore parts: whole databases in their order, users last; one part where all of it fits', () => {
  const databases = ['a', 'b', 'c'].map((name, i) => large(name, 1 + i * 100, 50));
  const sizesBytes = databases.map((one) => encodeMessage({ databases: [one], users: [] }).length);
  const bytes = sizesBytes[0] ?? 0;
  const largest = Math.max(...sizesBytes);
  const namesOf = (bytesMax: number) =>
    restoreParts({ databases, users: [user] }, bytesMax).map((part) => [...part.databases.map(({ name }) => name), ...part.users.map(({ name }) => name)]); // prettier-ignore
  expect(namesOf(10 * bytes)).toEqual([['a', 'b', 'c', 'bob']]);
  expect(namesOf(Math.floor(2.05 * bytes))).toEqual([['a', 'b'], ['c', 'bob']]); // prettier-ignore
  expect(namesOf(largest)).toEqual([['a'], ['b'], ['c'], ['bob']]);
  expect(() => namesOf(bytes - 20)).toThrow('database a: ');
  expect(restoreParts({ databases: [], users: [] }, 1)).toEqual([{ databases: [], users: [] }]);
});

test('restore: facts larger than a command are several, and each shard becomes the one that it should', async () => {
  let facts: Catalog = emptyCatalog;
  let index = 0;
  const sizesBytes: number[] = [];
  const run = (command: object): number => {
    const logged = { id: `${++index}`, command } as Parameters<typeof applyCommand>[2];
    const { catalog, answer } = applyCommand(facts, index, logged);
    if (!answer.ok) throw new DbError('unavailable', answer.text);
    facts = catalog;
    return answer.value?.firstShardId ?? 0;
  };
  run({ kind: 'found-cluster', clusterId: 9n });
  run({ kind: 'create-data-node', httpAddress: 'h:1', tcpAddress: 'n:1', dataNodesMax: 9 });
  const meta = {
    post: (_: string, { content = '' }: Readonly<Record<string, string>>) => {
      const bytes = Buffer.from(content, 'base64url');
      sizesBytes.push(bytes.length);
      // Others make databases meanwhile, and take ids.
      run({ kind: 'create-database', name: `other${index}` });
      run({ kind: 'create-shard-groups', database: `other${index - 1}`, retentionPolicy: 'autogen', timesNs: [0n] }); // prettier-ignore
      return Promise.resolve().then(() => ({
        firstShardId: run({ kind: 'restore-databases', ...(decodeMessage(bytes) as object) }),
      }));
    },
  } as unknown as MetaCaller;
  const cluster = { catalog: () => Promise.resolve(facts) } as unknown as ClusterRpc;
  const target = new ClusterShards(cluster, meta, partBytesMax);
  const databases = ['a', 'b', 'c'].map((name, i) => large(name, 1 + i * 100_000, 400));
  const ids = await target.restore({ databases, users: [user] });
  expect(sizesBytes.length).toBeGreaterThan(1);
  expect(Math.max(...sizesBytes)).toBeLessThan(partBytesMax);
  expect(ids.size).toBe(1_200);
  for (const [i, name] of ['a', 'b', 'c'].entries())
    expect(facts.databases.shard(ids.get(1 + i * 100_000 + 7) ?? 0)).toMatchObject({ database: name, group: { startNs: 7n * groupNs } }); // prettier-ignore
  expect(facts.users?.map(({ name }) => name)).toEqual(['bob']);
  sizesBytes.length = 0;
  const again = { databases: [large('new', 1, 400), large('more', 100_000, 400), large('c', 200_000, 400)], users: [] }; // prettier-ignore
  await expect(target.restore(again)).rejects.toThrow('database already exists');
  expect(sizesBytes).toEqual([]);
  expect(facts.databases.get('new')).toBeUndefined();
});
