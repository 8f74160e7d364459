import { expect, test } from 'vitest';
import { dayNs, minTimeNs } from '../../base/units.ts';
import { applyAccepted, applyCommand } from './apply.ts';
import { applyStep } from './catalog-changes.ts';
import { encodeMessage } from '../../rpc/message.ts';
import { emptyCatalog, type Catalog, type CommandAnswer } from '../model/catalog.ts';
import { decodeCatalog, encodeCatalog } from '../codec/catalog-codec.ts';
import type { Command } from '../command/command.ts';
import type { Database } from '../model/database.ts';

const rules = { durationNs: 0n, shardGroupDurationNs: dayNs, pastLimitNs: 0n, futureLimitNs: 0n };
const old: Database = {
  name: 'old',
  defaultRetentionPolicy: 'p',
  retentionPolicies: [
    {
      name: 'p',
      ...rules,
      replicaCount: 2,
      shardGroups: [
        { id: 40, startNs: dayNs, endNs: 2n * dayNs, shards: [{ id: 71, owners: [8] }, { id: 70, owners: [9] }] },
        { id: 20, startNs: 0n, endNs: dayNs, shards: [{ id: 30, owners: [99] }] },
      ],
    },
  ],
  continuousQueries: [{ name: 'c', text: 'CREATE ...', createdNs: 5n, ranUntilNs: 9n }],
}; // prettier-ignore
const boss = {
  name: 'boss',
  hash: 'h',
  isAdmin: true,
  privileges: [{ database: 'old', privilege: 'READ' }],
} as const;

class Metas {
  catalog: Catalog = emptyCatalog;
  index = 0;

  constructor(dataNodes: number) {
    this.do({ kind: 'found-cluster', clusterId: 7n });
    for (let i = 1; i <= dataNodes; i++)
      this.do({ kind: 'create-data-node', httpAddress: `h${i}:1`, tcpAddress: `h${i}:2`, dataNodesMax: 9 }); // prettier-ignore
  }

  do(command: Command): CommandAnswer {
    const logged = { id: `${++this.index}`, command };
    const { catalog, answer } = applyCommand(this.catalog, this.index, logged);
    this.catalog = catalog;
    return answer;
  }

  text(command: Command): string {
    const answer = this.do(command);
    return answer.ok ? '' : answer.text;
  }
}

test('restore: shards get ids of this cluster in the order of the old ones, and as many owners as the policy says', () => {
  const metas = new Metas(3);
  metas.do({ kind: 'create-database', name: 'own' });
  metas.do({ kind: 'create-shard-groups', database: 'own', retentionPolicy: 'autogen', timesNs: [0n] }); // prettier-ignore
  const answer = metas.do({ kind: 'restore-databases', databases: [old], users: [boss] });
  expect(answer).toEqual({ ok: true, value: { firstShardId: 2 } });
  const { catalog } = metas;
  const groups = catalog.databases.get('old')?.retentionPolicies[0]?.shardGroups ?? [];
  expect(groups.map(({ id, startNs, shards }) => [id, startNs, shards.map((one) => one.id)])).toEqual([
    [2, 0n, [2]],
    // A group keeps the order of its shards: a series is in one of them by its number.
    [3, dayNs, [4, 3]],
  ]); // prettier-ignore
  for (const { shards } of groups)
    for (const { owners } of shards) {
      expect(new Set(owners).size).toBe(2);
      expect(owners.every((owner) => [1, 2, 3].includes(owner))).toBe(true);
    }
  expect(catalog.databases.get('old')?.continuousQueries).toEqual(old.continuousQueries);
  expect(catalog.users).toEqual([boss]);
  expect([catalog.maxShardGroupId, catalog.maxShardId]).toEqual([3, 4]);
});

test('restore: a database that is there refuses the whole, a user that is there stays as it is', () => {
  const metas = new Metas(1);
  metas.do({ kind: 'create-user', name: 'boss', hash: 'mine', isAdmin: false });
  expect(metas.text({ kind: 'restore-databases', databases: [old], users: [boss] })).toBe('');
  expect(metas.catalog.users).toEqual([{ name: 'boss', hash: 'mine', isAdmin: false, privileges: [] }]); // prettier-ignore
  const before = metas.catalog;
  const fresh = { ...old, name: 'new', retentionPolicies: [] };
  expect(metas.text({ kind: 'restore-databases', databases: [fresh, old], users: [] })).toBe(
    'database already exists',
  );
  expect(metas.catalog.databases).toBe(before.databases);
  expect(metas.catalog.maxShardId).toBe(before.maxShardId);
});

test('restore: nothing without a data node, and nothing that no catalog would have made', () => {
  expect(new Metas(0).text({ kind: 'restore-databases', databases: [old], users: [] })).toBe(
    'the cluster has no data nodes',
  );
  const metas = new Metas(1);
  const bad = (change: Partial<Database>): string =>
    metas.text({ kind: 'restore-databases', databases: [{ ...old, ...change }], users: [] });
  expect(bad({ name: '' })).toBe('database name required');
  expect(bad({ name: 'a/b' })).toBe('invalid name');
  const [policy] = old.retentionPolicies;
  const [group] = policy?.shardGroups ?? [];
  if (policy === undefined || group === undefined) throw new Error('no policy');
  const groups = (shardGroups: readonly (typeof group)[]): string =>
    bad({ retentionPolicies: [{ ...policy, shardGroups }] });
  expect(groups([group, { ...group, id: 1 }])).toBe('an id of a shard, or group, is there twice');
  expect(groups([{ ...group, shards: [] }])).toBe('shard group 40 holds no time, or no shard');
  expect(groups([group, { ...group, id: 41, shards: [{ id: 5, owners: [] }] }])).toMatch(/overlap in time/); // prettier-ignore
  expect(metas.catalog.databases.length).toBe(0);
});

test('restore: a copy of the catalog that does it again is the same', () => {
  const metas = new Metas(3);
  const before = metas.catalog;
  const command = { kind: 'restore-databases', databases: [old], users: [boss] } as const;
  metas.do(command);
  const copy = applyAccepted(before, metas.index, command);
  expect(encodeMessage(copy.databases)).toEqual(encodeMessage(metas.catalog.databases));
});

test('restore: a shard with points in the backup is marked until its restore is finished', () => {
  const metas = new Metas(1);
  const [policy] = old.retentionPolicies;
  if (policy === undefined) throw new Error('no policy');
  const marked = policy.shardGroups.map((group) => {
    return { ...group, shards: group.shards.map((one) => ({ ...one, ...(one.id !== 70 && { restoreIndex: 1 }) })) }; // prettier-ignore
  });
  const database = { ...old, retentionPolicies: [{ ...policy, shardGroups: marked }] };
  metas.do({ kind: 'restore-databases', databases: [database], users: [] });
  const index = metas.index;
  const indexes = () => [1, 2, 3].map((id) => metas.catalog.databases.shard(id)?.shard.restoreIndex); // prettier-ignore
  expect(indexes()).toEqual([index, undefined, index]);
  expect(decodeCatalog(encodeCatalog(metas.catalog)).databases.shard(1)?.shard.restoreIndex).toBe(index); // prettier-ignore
  expect(metas.text({ kind: 'finish-restore', shardIds: [3, 99] })).toBe('');
  expect(indexes()).toEqual([index, undefined, undefined]);
  metas.do({ kind: 'finish-restore', shardIds: [1] });
  expect(indexes()).toEqual([undefined, undefined, undefined]);
  expect(metas.catalog.databases.shard(1)?.shard).not.toHaveProperty('restoreIndex');
});

test('overwrite: policies, queries and users are the backup’s, shard groups stay as they are', () => {
  const metas = new Metas(2);
  metas.do({ kind: 'restore-databases', databases: [old], users: [] });
  metas.do({ kind: 'create-database', name: 'since' });
  metas.do({ kind: 'create-shard-groups', database: 'since', retentionPolicy: 'autogen', timesNs: [0n] }); // prettier-ignore
  metas.do({ kind: 'create-user', name: 'since', hash: 'x', isAdmin: true });
  const groupsBefore = metas.catalog.databases.get('old')?.retentionPolicies[0]?.shardGroups;
  const [policy] = old.retentionPolicies;
  if (policy === undefined) throw new Error('no policy');
  const kept = {
    ...old,
    retentionPolicies: [
      { ...policy, replicaCount: 1 },
      { ...policy, name: 'gone' },
    ],
  };
  const command = { kind: 'overwrite-databases', clusterId: 7n, databases: [kept], users: [boss] } as const; // prettier-ignore
  const before = metas.catalog;
  expect(metas.text(command)).toBe('');
  const { databases, users, maxShardId } = metas.catalog;
  expect(Array.from(databases, ({ name }) => name)).toEqual(['old']);
  const policies = databases.get('old')?.retentionPolicies ?? [];
  expect(policies.map(({ name, replicaCount }) => [name, replicaCount])).toEqual([
    ['p', 1],
    ['gone', 2],
  ]);
  expect(policies[0]?.shardGroups).toEqual(groupsBefore);
  // Its points are not there any more: it begins anew.
  expect(policies[1]?.shardGroups).toEqual([]);
  expect(users).toEqual([boss]);
  expect(maxShardId).toBe(before.maxShardId);
  // Data nodes hear which shards went.
  const step = {
    fromIndex: before.index,
    toIndex: metas.index,
    changes: [{ index: metas.index, command: encodeMessage({ id: 'x', command }) }],
  };
  expect(applyStep(before, step).droppedShardIds).toEqual([4]);
});

test('overwrite: of another cluster nothing is taken', () => {
  const metas = new Metas(1);
  const command = { kind: 'overwrite-databases', clusterId: 8n, databases: [], users: [] } as const;
  metas.do({ kind: 'create-database', name: 'a' });
  expect(metas.text(command)).toBe('the backup is of another cluster');
  expect(metas.catalog.databases.get('a')).toBeDefined();
});

test('restore: a group of the least times, which begins before what 64 bits hold', () => {
  const made = new Metas(1);
  made.do({ kind: 'create-database', name: 'old' });
  made.do({ kind: 'create-shard-groups', database: 'old', retentionPolicy: 'autogen', timesNs: [minTimeNs] }); // prettier-ignore
  const database = made.catalog.databases.get('old');
  if (database === undefined) throw new Error('no database');
  expect(new Metas(1).text({ kind: 'restore-databases', databases: [database], users: [] })).toBe(
    '',
  );
});
