import { expect, test } from 'vitest';
import { dayNs } from '../../base/units.ts';
import { applyAccepted, applyCommand } from './apply.ts';
import { emptyCatalog, type Catalog, type CommandAnswer } from '../model/catalog.ts';
import { decodeCatalog, encodeCatalog } from '../codec/catalog-codec.ts';
import type { Command } from '../command/command.ts';
import type { Database } from '../model/database.ts';

const rules = { durationNs: 0n, shardGroupDurationNs: dayNs, replicaCount: 1, pastLimitNs: 0n, futureLimitNs: 0n }; // prettier-ignore
const old: Database = {
  name: 'old',
  defaultRetentionPolicy: 'p',
  retentionPolicies: [
    {
      name: 'p',
      ...rules,
      shardGroups: [
        { id: 4, startNs: dayNs, endNs: 2n * dayNs, shards: [{ id: 7, owners: [] }] },
        { id: 2, startNs: 0n, endNs: dayNs, shards: [{ id: 3, owners: [99] }] },
      ],
      subscriptions: [{ name: 's', mode: 'ANY', destinations: ['udp://h:1'] }],
    },
  ],
  continuousQueries: [{ name: 'c', text: 'CREATE ...' }],
};
const boss = {
  name: 'boss',
  hash: '$2a$10$x',
  isAdmin: true,
  privileges: [{ database: 'old', privilege: 'READ' }, { database: 'gone', privilege: 'READ' }],
} as const; // prettier-ignore
const whole = { kind: 'import-databases', nodeId: 1, databases: [old], users: [boss], maxShardGroupId: 5, maxShardId: 8 } as const; // prettier-ignore

class Metas {
  catalog: Catalog = emptyCatalog;
  #index = 0;

  constructor() {
    this.do({ kind: 'create-data-node', httpAddress: 'h:1', tcpAddress: 'h:2', dataNodesMax: 9 });
  }

  do(command: Command): CommandAnswer {
    const logged = { id: `${++this.#index}`, command };
    const { catalog, answer } = applyCommand(this.catalog, this.#index, logged);
    this.catalog = catalog;
    return answer;
  }
}

const textOf = (answer: CommandAnswer): string => (answer.ok ? '' : answer.text);

test('import: databases with their groups in order, shards owned by the node, users with their hashes', () => {
  const metas = new Metas();
  expect(textOf(metas.do(whole))).toBe('');
  const { catalog } = metas;
  expect(catalog.databases.get('old')?.retentionPolicies[0]?.shardGroups).toEqual([
    { id: 2, startNs: 0n, endNs: dayNs, shards: [{ id: 3, owners: [1] }] },
    { id: 4, startNs: dayNs, endNs: 2n * dayNs, shards: [{ id: 7, owners: [1] }] },
  ]);
  expect(catalog.databases.shard(7)?.database).toBe('old');
  expect(catalog.users).toEqual([{ ...boss, privileges: [boss.privileges[0]] }]);
  expect([catalog.maxShardGroupId, catalog.maxShardId]).toEqual([5, 8]);
  expect(decodeCatalog(encodeCatalog(catalog)).databases.get('old')).toEqual(catalog.databases.get('old')); // prettier-ignore
  metas.do({ kind: 'create-shard-groups', database: 'old', retentionPolicy: 'p', timesNs: [5n * dayNs] }); // prettier-ignore
  expect(metas.catalog.databases.shard(9)?.group.id).toBe(6);
});

test('import: again it changes nothing, and a copy that does it again is the same', () => {
  const metas = new Metas();
  const before = metas.catalog;
  metas.do(whole);
  const { databases, users } = metas.catalog;
  expect(textOf(metas.do({ ...whole }))).toBe('');
  expect(metas.catalog.databases).toBe(databases);
  expect(metas.catalog.users).toBe(users);
  const copy = applyAccepted(before, 2, whole);
  expect(JSON.stringify(copy.databases, plain)).toBe(JSON.stringify(databases, plain));
});

function plain(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}

test('import: all or nothing', () => {
  const refused = (change: object, before?: Command): string => {
    const metas = new Metas();
    if (before !== undefined) metas.do(before);
    const { catalog } = metas;
    const text = textOf(metas.do({ ...whole, ...change }));
    expect(metas.catalog.databases).toBe(catalog.databases);
    expect(metas.catalog.users).toBe(catalog.users);
    return text;
  };
  const policy = old.retentionPolicies[0];
  const withPolicy = (part: object): object => ({
    databases: [{ ...old, retentionPolicies: [{ ...policy, ...part }] }],
  });
  expect(refused({ nodeId: 2 })).toBe('node not found');
  expect(refused({}, { kind: 'create-database', name: 'old' })).toBe(
    'database already exists: old',
  );
  expect(refused({}, { kind: 'create-user', name: 'boss', hash: 'h', isAdmin: false })).toBe('user already exists: boss'); // prettier-ignore
  expect(refused({ maxShardId: 6 })).toBe('shard id 7 does not fit');
  expect(refused({ databases: [old, { ...old, name: 'other' }] })).toContain('does not fit');
  expect(refused({ databases: [{ ...old, name: '..' }] })).toBe('invalid name');
  expect(refused(withPolicy({ durationNs: 1n }))).toContain('must be at least 1h0m0s');
  expect(refused(withPolicy({ shardGroups: [{ id: 1, startNs: 0n, endNs: 0n, shards: [] }] }))).toContain('holds no time'); // prettier-ignore
  const twice = [1, 2].map((id) => ({ id, startNs: 0n, endNs: dayNs, shards: [{ id, owners: [] }] })); // prettier-ignore
  expect(refused(withPolicy({ shardGroups: twice }))).toContain('shard groups 1 and 2 overlap');
  expect(refused(withPolicy({ subscriptions: [{ name: 's', mode: 'ANY', destinations: ['x'] }] }))).toContain('invalid subscription URL'); // prettier-ignore
  expect(refused({ databases: [{ ...old, retentionPolicies: [{}] }] })).toContain('malformed');
});

test('import: ids that were given in the cluster are not given again', () => {
  const metas = new Metas();
  metas.do({ kind: 'create-database', name: 'd' });
  metas.do({ kind: 'create-shard-groups', database: 'd', retentionPolicy: 'autogen', timesNs: [0n, 30n * dayNs] }); // prettier-ignore
  expect(textOf(metas.do(whole))).toMatch(/^shard ids up to 2 are taken in this cluster/);
});
