import { expect, test } from 'vitest';
import { MemoryMeta } from '../../../test/support/memory-meta.ts';
import { DbError } from '../../base/errors.ts';
import type { Clock } from '../../env/clock.ts';
import { joinDataMethod, type SharedShard } from '../../meta/client/data-methods.ts';
import { Announcements } from '../../meta/server/announcements.ts';
import { addDataNode } from './add-nodes.ts';
import type { MetaApi } from './meta-api-options.ts';

const clock = { monotonicMs: () => 0 } as unknown as Clock;

/** Two nodes, of which shards have copies, and what the second one hears as it is added: how is up to the test. */
async function cluster(said: object = {}, joined = () => Promise.resolve()) {
  const meta = new MemoryMeta();
  await meta.execute({ kind: 'found-cluster', clusterId: 7n });
  const create = (i: number) =>
    meta.execute({ kind: 'create-data-node', httpAddress: `h${i}:1`, tcpAddress: `n${i}:1`, dataNodesMax: 9 }); // prettier-ignore
  await create(1);
  await meta.execute({ kind: 'create-database', name: 'd', policy: { replication: 2 } });
  const group = (at: bigint) =>
    meta.execute({ kind: 'create-shard-groups', database: 'd', retentionPolicy: 'autogen', timesNs: [at] }); // prettier-ignore
  const announcements = new Announcements(clock, 1_000);
  const heard: number[][] = [];
  const rpc = {
    call: async (_to: string, method: unknown, { sharedShards = [] }: { readonly sharedShards?: readonly SharedShard[] }) => {
      if (method === joinDataMethod) {
        heard.push(sharedShards.map(({ shardId }) => shardId));
        await joined();
      }
      return Promise.resolve({ cluster: 'none', nodeId: 0, httpAddress: 'h2:1', ...said });
    },
  }; // prettier-ignore
  const node = {
    get catalog() {
      return meta.catalog;
    },
    clusterId: 7n,
    status: { peers: [] },
    readBarrier: () => Promise.resolve(),
    execute: async (command: Parameters<typeof meta.execute>[0]) => {
      const made = await meta.execute(command);
      // As soon as it is listed it owns what comes.
      if (command.kind === 'create-data-node') await group(0n);
      return made;
    },
  };
  const ports = { clock, node, rpc, announcements };
  const api = { ports, options: { dataNodesMax: 9 } } as unknown as MetaApi;
  return { meta, add: () => addDataNode('n2:1', api), create, group, announcements, heard };
}

test('add data node: a new one lacks nothing of the shards that are made as it joins', async () => {
  const { add, heard } = await cluster();
  await add();
  expect(heard).toEqual([[]]);
});

test('add data node: one that was listed and never heard of it lacks nothing', async () => {
  const { add, create, group, heard } = await cluster();
  await create(2);
  await group(0n);
  await add();
  expect(heard).toEqual([[]]);
});

test('add data node: a member that has lost its identity hears which shards it owns with others', async () => {
  const { add, create, group, announcements, heard } = await cluster();
  await create(2);
  await group(0n);
  announcements.note({ tcpAddress: 'n2:1', version: 'v1' });
  await add();
  expect(heard).toEqual([[1]]);
});

test('add data node: a member by another address is refused before it is listed', async () => {
  const { meta, add } = await cluster({ cluster: 'same', nodeId: 1 });
  await expect(add()).rejects.toThrow('already joined to cluster');
  expect(meta.catalog.maxNodeId).toBe(1);
});

test('add data node: one that was taken out while it was lost is told how it comes back', async () => {
  const { meta, add } = await cluster({ cluster: 'same', nodeId: 9 });
  await expect(add()).rejects.toThrow('already joined to cluster, as a node that is not of it any more: remove-data erases what it has, and it can be added then'); // prettier-ignore
  expect(meta.catalog.maxNodeId).toBe(1);
});

test('add data node: one that has imported what the cluster does not take is told so, and is not listed', async () => {
  const refused = () => Promise.reject(new DbError('invalid_argument', 'the cluster does not take what was imported into this node: database already exists: d')); // prettier-ignore
  const { meta, add } = await cluster({}, refused);
  await expect(add()).rejects.toThrow('database already exists: d');
  expect(meta.catalog.dataNodes.map(({ id }) => id)).toEqual([1]);
});
