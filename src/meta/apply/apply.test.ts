import { expect, test } from 'vitest';
import { dayNs, hourNs, maxTimeNs, minTimeNs } from '../../base/units.ts';
import { applyCommand } from './apply.ts';
import {
  emptyCatalog,
  findDatabase,
  findRetentionPolicy,
  type Catalog,
  type CommandAnswer,
  type RetentionPolicy,
} from '../model/catalog.ts';
import type { Command } from '../command/command.ts';
import { endOfGroup, groupAt, shardCount, truncateTime } from '../model/shard-groups.ts';

class Cluster {
  catalog: Catalog = emptyCatalog;
  #index = 0;

  do(command: Command, id = `command ${this.#index + 1}`): CommandAnswer {
    const applied = applyCommand(this.catalog, ++this.#index, { id, command });
    this.catalog = applied.catalog;
    return applied.answer;
  }

  addDataNodes(count: number): void {
    for (let i = 1; i <= count; i++) {
      const [httpAddress, tcpAddress] = [`n${i}:8086`, `n${i}:8088`];
      this.do({ kind: 'create-data-node', httpAddress, tcpAddress, dataNodesMax: 100 });
    }
  }

  policy(database: string, name = ''): RetentionPolicy {
    const found = findDatabase(this.catalog, database);
    if (found === undefined) throw new Error('no database');
    const policy = findRetentionPolicy(found, name);
    if (policy === undefined) throw new Error('no policy');
    return policy;
  }
}

test('catalog: one counter gives the ids of meta and data nodes', () => {
  const cluster = new Cluster();
  for (const host of ['m1', 'm2', 'm3', 'm1']) {
    const addresses = { httpAddress: `${host}:8091`, tcpAddress: `${host}:8089` };
    cluster.do({ kind: 'create-meta-node', ...addresses });
  }
  cluster.addDataNodes(2);
  expect(cluster.catalog.metaNodes.map(({ id }) => id)).toEqual([1, 2, 3]);
  expect(cluster.catalog.dataNodes.map(({ id }) => id)).toEqual([4, 5]);
});

test('retention-autocreate off: a database without a policy takes the first that is its default, as in 1.12.4', () => {
  const cluster = new Cluster();
  const policies = (): string => {
    const found = findDatabase(cluster.catalog, 'd');
    return `${found?.defaultRetentionPolicy}: ${found?.retentionPolicies.map(({ name }) => name).join()}`;
  };
  expect(cluster.do({ kind: 'create-bare-database', name: 'd' })).toMatchObject({ ok: true });
  expect(policies()).toBe(': ');
  expect(() => cluster.policy('d')).toThrow('no policy');
  const policy = { name: 'r', durationNs: dayNs, replication: 1 };
  cluster.do({ kind: 'create-retention-policy', database: 'd', policy, isDefault: false });
  expect(policies()).toBe(': r');
  cluster.do({
    kind: 'alter-retention-policy',
    database: 'd',
    name: 'r',
    policy: {},
    isDefault: true,
  });
  cluster.do({ kind: 'create-bare-database', name: 'd' });
  expect(policies()).toBe('r: r');
  cluster.do({ kind: 'create-bare-database', name: 'e' });
  cluster.do({ kind: 'create-database', name: 'e', policy: { durationNs: 3n * dayNs } });
  expect(cluster.policy('e').name).toBe('autogen');
  expect(cluster.do({ kind: 'create-bare-database', name: '' })).toMatchObject({
    ok: false,
    text: 'database name required',
  });
});

test('catalog: the licence limits data nodes, not repeated additions', () => {
  const cluster = new Cluster();
  const add = (host: string) =>
    cluster.do({
      kind: 'create-data-node',
      httpAddress: `${host}:8086`,
      tcpAddress: `${host}:8088`,
      dataNodesMax: 1,
    });
  expect(add('a')).toEqual({ ok: true, value: { nodeId: 1, isNew: true } });
  expect(add('a')).toEqual({ ok: true, value: { nodeId: 1 } });
  expect(add('b')).toEqual({
    ok: false,
    code: 'license_limit',
    text: 'the license allows 1 data nodes and the cluster has 1',
  });
});

test('catalog: a command that arrives twice applies once and answers the same', () => {
  const cluster = new Cluster();
  const add = { kind: 'create-data-node', httpAddress: 'a:1', tcpAddress: 'a:2' } as const;
  const first = cluster.do({ ...add, dataNodesMax: 9 }, 'one');
  cluster.do({ kind: 'delete-data-node', nodeId: 1 });
  expect(cluster.do({ ...add, dataNodesMax: 9 }, 'one')).toEqual(first);
  expect(cluster.catalog.dataNodes).toEqual([]);
});

test('catalog: a database comes with autogen, kept forever, a copy on every node up to three', () => {
  for (const [nodes, replicas] of [
    [0, 1],
    [1, 1],
    [2, 2],
    [3, 3],
    [4, 2],
    [7, 2],
  ] as const) {
    // prettier-ignore
    const cluster = new Cluster();
    cluster.addDataNodes(nodes);
    cluster.do({ kind: 'create-database', name: 'db' });
    expect(cluster.policy('db')).toMatchObject({
      name: 'autogen',
      durationNs: 0n,
      shardGroupDurationNs: 7n * dayNs,
      replicaCount: replicas,
    });
  }
});

const refusals: readonly (readonly [Command, string])[] = [
  [{ kind: 'create-database', name: '' }, 'database name required'],
  [{ kind: 'create-database', name: 'x'.repeat(256) }, 'name too long'],
  [{ kind: 'create-database', name: '..' }, 'invalid name'],
  [{ kind: 'create-database', name: 'a/b' }, 'invalid name'],
  [
    { kind: 'create-database', name: 'db', policy: { durationNs: dayNs, replication: 1 } },
    'retention policy conflicts with an existing policy',
  ],
  [
    { kind: 'create-retention-policy', database: 'no', policy: { name: 'p' }, isDefault: false },
    'database not found: no',
  ],
  [policy({ name: 'p', durationNs: 1n }), 'retention policy duration must be at least 1h0m0s'],
  [policy({ name: 'p', replication: 0 }), 'replication factor must be greater than 0'],
  [
    policy({ name: 'p', durationNs: hourNs, shardDurationNs: dayNs }),
    'retention policy duration must be greater than the shard duration',
  ],
  [policy({ name: 'autogen', durationNs: dayNs }), 'retention policy already exists'],
  [
    { kind: 'alter-retention-policy', database: 'db', name: 'no', policy: {}, isDefault: false },
    'retention policy not found: no',
  ],
  [{ kind: 'delete-data-node', nodeId: 77 }, 'node not found'],
];

test.each(refusals.map(([command, text]) => [text, command] as const))(
  'catalog: refuses, %s',
  (text, command) => {
    const cluster = new Cluster();
    cluster.do({ kind: 'create-database', name: 'db' });
    const before = cluster.catalog.databases;
    expect(cluster.do(command)).toMatchObject({ ok: false, text });
    expect(cluster.catalog.databases).toBe(before);
  },
);

function policy(
  spec: NonNullable<Extract<Command, { kind: 'create-database' }>['policy']>,
): Command {
  return { kind: 'create-retention-policy', database: 'db', policy: spec, isDefault: false };
}

test.each([
  [hourNs, hourNs],
  [2n * dayNs - 1n, hourNs],
  [2n * dayNs, dayNs],
  [180n * dayNs - 1n, dayNs],
  [180n * dayNs, 7n * dayNs],
  [0n, 7n * dayNs],
])('catalog: a policy of %s ns has groups of %s ns', (durationNs, groupNs) => {
  const cluster = new Cluster();
  cluster.do({ kind: 'create-database', name: 'db', policy: { durationNs } });
  expect(cluster.policy('db').shardGroupDurationNs).toBe(groupNs);
});

test('catalog: ALTER changes what it names, DEFAULT moves, DROP forgets', () => {
  const cluster = new Cluster();
  cluster.do({ kind: 'create-database', name: 'db' });
  cluster.do(policy({ name: 'p', durationNs: 2n * dayNs, replication: 3 }));
  cluster.do({
    kind: 'alter-retention-policy',
    database: 'db',
    name: 'p',
    policy: { replication: 2 },
    isDefault: true,
  });
  expect(cluster.policy('db')).toMatchObject({
    name: 'p',
    replicaCount: 2,
    durationNs: 2n * dayNs,
  });
  cluster.do({ kind: 'drop-retention-policy', database: 'db', name: 'p' });
  expect(() => cluster.policy('db', 'p')).toThrow('no policy');
});

test('catalog: an altered policy takes the limits of writes that are said, and keeps the other one', () => {
  const cluster = new Cluster();
  cluster.do({ kind: 'create-database', name: 'db' });
  const alter = (limits: object) =>
    cluster.do({ kind: 'alter-retention-policy', database: 'db', name: 'autogen', policy: limits, isDefault: false }); // prettier-ignore
  expect(alter({ futureLimitNs: 2n, pastLimitNs: 1n })).toEqual({ ok: true });
  expect(alter({ pastLimitNs: 3n })).toEqual({ ok: true });
  expect(cluster.policy('db')).toMatchObject({ futureLimitNs: 2n, pastLimitNs: 3n });
  expect(alter({ pastLimitNs: 0n })).toEqual({ ok: true });
  expect(cluster.policy('db')).toMatchObject({ futureLimitNs: 2n, pastLimitNs: 0n });
});

test('catalog: a policy that is created again with other limits of writes is there, with those it has', () => {
  const cluster = new Cluster();
  cluster.do({ kind: 'create-database', name: 'db' });
  const create = (limits: object, isDefault = false) =>
    cluster.do({ kind: 'create-retention-policy', database: 'db', policy: { name: 'p', ...limits }, isDefault }); // prettier-ignore
  expect(create({ futureLimitNs: 2n, pastLimitNs: 1n })).toEqual({ ok: true });
  expect(create({ futureLimitNs: 3n })).toEqual({ ok: true });
  expect(create({})).toEqual({ ok: true });
  expect(cluster.policy('db', 'p')).toMatchObject({ futureLimitNs: 2n, pastLimitNs: 1n });
  expect(create({}, true)).toMatchObject({
    ok: false,
    text: 'retention policy conflicts with an existing policy',
  });
});

test('shard groups: a week starts on Monday, whatever the year', () => {
  const tuesday = BigInt(Date.UTC(2026, 10, 24, 5)) * 1_000_000n;
  const monday = BigInt(Date.UTC(2026, 10, 23)) * 1_000_000n;
  expect(truncateTime(tuesday, 7n * dayNs)).toBe(monday);
  expect(new Date(Number(truncateTime(-1n, 7n * dayNs) / 1_000_000n)).getUTCDay()).toBe(1);
  expect(truncateTime(minTimeNs, 7n * dayNs)).toBeLessThanOrEqual(minTimeNs);
});

test('shard groups: the last one ends after the last time, and both ends of time have one', () => {
  const cluster = new Cluster();
  cluster.addDataNodes(1);
  cluster.do({ kind: 'create-database', name: 'db' });
  create(cluster, [maxTimeNs, minTimeNs]);
  expect(groupAt(cluster.policy('db'), maxTimeNs)?.endNs).toBe(maxTimeNs + 1n);
  expect(groupAt(cluster.policy('db'), minTimeNs)).toBeDefined();
});

test('shard groups: created once, in order of time, never overlapping after the duration changed', () => {
  const cluster = new Cluster();
  cluster.addDataNodes(1);
  cluster.do({ kind: 'create-database', name: 'db', policy: { shardDurationNs: dayNs } });
  create(cluster, [9n * dayNs, 3n * dayNs, 3n * dayNs + 5n]);
  cluster.do({
    kind: 'alter-retention-policy',
    database: 'db',
    name: 'autogen',
    policy: { shardDurationNs: 7n * dayNs },
    isDefault: false,
  });
  create(cluster, [5n * dayNs, 10n * dayNs]);
  const groups = cluster.policy('db').shardGroups;
  expect(groups.map(({ id }) => id)).toEqual([1, 3, 2, 4]);
  groups.slice(1).forEach((group, i) => {
    const before = groups[i];
    if (before !== undefined) expect(endOfGroup(before)).toBeLessThanOrEqual(group.startNs);
  });
});

function create(cluster: Cluster, timesNs: readonly bigint[]): CommandAnswer {
  const place = { database: 'db', retentionPolicy: 'autogen' };
  return cluster.do({ kind: 'create-shard-groups', ...place, timesNs });
}

test('shard groups: shard counts of the reference, owners round robin from the log index', () => {
  expect([[4, 2], [3, 2], [5, 3], [3, 3], [1, 1]].map(([n = 0, r = 0]) => shardCount(n, r))).toEqual([2, 3, 5, 1, 1]); // prettier-ignore
  const cluster = new Cluster();
  cluster.addDataNodes(3);
  cluster.do({ kind: 'create-database', name: 'db', policy: { replication: 2 } });
  create(cluster, [0n]);
  const shards = cluster.policy('db').shardGroups[0]?.shards;
  // The command was entry 5 of the log: 5 % 3 is the third node.
  expect(shards).toEqual([
    { id: 1, owners: [3, 1] },
    { id: 2, owners: [2, 3] },
    { id: 3, owners: [1, 2] },
  ]);
});

test('shard groups: more copies than nodes are as many as there are nodes; none without a node', () => {
  const cluster = new Cluster();
  cluster.do({ kind: 'create-database', name: 'db', policy: { replication: 3 } });
  expect(create(cluster, [0n])).toMatchObject({ ok: false, code: 'unavailable' });
  cluster.addDataNodes(2);
  create(cluster, [0n]);
  expect(cluster.policy('db').shardGroups[0]?.shards).toHaveLength(1);
  expect(cluster.policy('db').shardGroups[0]?.shards[0]?.owners).toHaveLength(2);
});

test('leases: held by one node until it expires; a new holder has a new token', () => {
  const cluster = new Cluster();
  const acquire = (nodeId: number, nowNs: bigint) =>
    cluster.do({ kind: 'acquire-lease', name: 'cq', nodeId, nowNs, durationNs: 60n });
  expect(acquire(4, 0n)).toMatchObject({ ok: true, value: { lease: { token: 1 } } });
  expect(acquire(5, 59n)).toMatchObject({ ok: false, text: 'another node has the lease' });
  expect(acquire(4, 59n)).toMatchObject({ value: { lease: { token: 1, expiresNs: 119n } } });
  expect(acquire(5, 119n)).toMatchObject({ ok: true, value: { lease: { token: 2, nodeId: 5 } } });
  // Who comes back after its time may have had another one in between, as far as whoever it writes to knows.
  expect(acquire(5, 179n)).toMatchObject({ value: { lease: { token: 3 } } });
  expect(acquire(5, 238n)).toMatchObject({ value: { lease: { token: 3 } } });
});

test('catalog: a database without policies is refused the names that any other is', () => {
  const cluster = new Cluster();
  for (const name of ['.', '..', 'a\tb'])
    expect(cluster.do({ kind: 'create-bare-database', name })).toMatchObject({ text: 'invalid name' }); // prettier-ignore
  expect(cluster.do({ kind: 'create-bare-database', name: '' })).toMatchObject({ text: 'database name required' }); // prettier-ignore
});

test('catalog: a database that is there is no reason to take a policy that can not be', () => {
  const cluster = new Cluster();
  cluster.do({ kind: 'create-database', name: 'd', policy: { name: 'rp', durationNs: hourNs } });
  const answer = cluster.do({ kind: 'create-database', name: 'd', policy: { name: 'rp', durationNs: 1n } }); // prettier-ignore
  expect(answer).toMatchObject({ text: 'retention policy duration must be at least 1h0m0s' });
});

test('catalog: a command of a newer release stops the node', () => {
  const future = { kind: 'create-galaxy' } as unknown as Command;
  expect(() => applyCommand(emptyCatalog, 1, { id: '1', command: future })).toThrow(
    'catalog command create-galaxy is not known here',
  );
});

test.each([
  ['nothing', undefined],
  ['no object', 7],
  ['no kind', {}],
  [
    'a replica count that is no number',
    { kind: 'create-database', name: 'x', policy: { replication: NaN } },
  ],
  [
    'a time beyond the last',
    {
      kind: 'create-shard-groups',
      database: 'db',
      retentionPolicy: 'autogen',
      timesNs: [maxTimeNs + 1n],
    },
  ],
  [
    'a lease that lasts no time',
    { kind: 'acquire-lease', name: 'cq', nodeId: 1, nowNs: 0n, durationNs: 0n },
  ],
])('catalog: what is no command is refused and changes nothing, %s', (_what, command) => {
  const cluster = new Cluster();
  cluster.addDataNodes(2);
  cluster.do({ kind: 'create-database', name: 'db' });
  const before = cluster.catalog.databases;
  const answer = cluster.do(command as unknown as Command);
  expect(answer).toMatchObject({ ok: false, code: 'invalid_argument' });
  expect(answer).toMatchObject({ text: expect.stringContaining('malformed catalog command') as string }); // prettier-ignore
  expect(cluster.catalog.databases).toBe(before);
});

test('catalog: a log entry without an id is passed over', () => {
  for (const logged of [null, 'text', { command: { kind: 'drop-database', name: 'x' } }])
    expect(applyCommand(emptyCatalog, 3, logged)).toMatchObject({ answer: { ok: false }, catalog: { index: 3, answered: [] } }); // prettier-ignore
});

test('catalog: names are what the reference prints, and no more than 255 bytes of it', () => {
  const cluster = new Cluster();
  const answers = ['a\tb', 'a\u00a0b', 'a\u200bb', 'a\ue000b', '\ud800', `${'x'.repeat(256)}/`].map((name) => cluster.do({ kind: 'create-database', name })); // prettier-ignore
  for (const answer of answers) expect(answer).toMatchObject({ ok: false, text: 'invalid name' });
  for (const name of ['a b', 'ü', 'a😀', 'a\u0301', `é${'x'.repeat(253)}`])
    expect(cluster.do({ kind: 'create-database', name })).toEqual({ ok: true });
});

test('catalog: more names of leases than there can be are refused', () => {
  const cluster = new Cluster();
  const acquire = (name: string) =>
    cluster.do({ kind: 'acquire-lease', name, nodeId: 1, nowNs: 0n, durationNs: 60n });
  for (let i = 0; i < 1024; i++) acquire(`${i}`);
  expect(acquire('one more')).toMatchObject({ ok: false, text: 'more than 1024 leases' });
  expect(acquire('7')).toMatchObject({ ok: true });
});
