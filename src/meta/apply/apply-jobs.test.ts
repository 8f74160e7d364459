import { expect, test } from 'vitest';
import { applyCommand } from './apply.ts';
import { emptyCatalog, findDatabase, type Catalog, type CommandAnswer } from '../model/catalog.ts';
import type { Command } from '../command/command.ts';

class Cluster {
  catalog: Catalog = emptyCatalog;
  #index = 0;

  constructor() {
    this.do({ kind: 'create-database', name: 'db' });
  }

  do(command: Command): CommandAnswer {
    const applied = applyCommand(this.catalog, ++this.#index, { id: `${this.#index}`, command });
    this.catalog = applied.catalog;
    return applied.answer;
  }

  get database() {
    return findDatabase(this.catalog, 'db');
  }
}

test('continuous queries: made once, the same again is no error, dropping none neither', () => {
  const cluster = new Cluster();
  const create = (text: string, database = 'db') =>
    cluster.do({ kind: 'create-continuous-query', database, name: 'cq', text });
  const drop = (database = 'db') => cluster.do({ kind: 'drop-continuous-query', database, name: 'cq' }); // prettier-ignore
  expect([create('SELECT 1'), create('select 1')]).toEqual([{ ok: true }, { ok: true }]);
  expect(create('SELECT 2')).toMatchObject({ text: 'continuous query already exists' });
  expect(create('SELECT 1', 'no')).toMatchObject({ text: 'database not found: no' });
  expect(cluster.database?.continuousQueries).toEqual([{ name: 'cq', text: 'SELECT 1' }]);
  expect([drop(), drop(), drop('no')]).toEqual([{ ok: true }, { ok: true }, { ok: true }]);
  expect(cluster.database?.continuousQueries).toEqual([]);
});

test('continuous queries: they stay where a database without policies is given one as if it were new', () => {
  const cluster = new Cluster();
  const database = 'db';
  cluster.do({ kind: 'create-continuous-query', database, name: 'cq', text: 'SELECT 1' });
  for (const name of ['autogen', 'rp']) cluster.do({ kind: 'drop-retention-policy', database, name }); // prettier-ignore
  expect(cluster.database?.retentionPolicies).toEqual([]);
  cluster.do({ kind: 'create-database', name: database, policy: { name: 'rp' } });
  expect(cluster.database?.retentionPolicies).toMatchObject([{ name: 'rp' }]);
  expect(cluster.database?.continuousQueries).toMatchObject([{ name: 'cq' }]);
});

test('continuous queries: how far they have run is for the holder of the lease to say', () => {
  const cluster = new Cluster();
  const create = (nowNs: bigint) =>
    cluster.do({
      kind: 'create-continuous-query',
      database: 'db',
      name: 'cq',
      text: 'SELECT 1',
      nowNs,
    });
  const lease = (nodeId: number, nowNs: bigint) =>
    cluster.do({ kind: 'acquire-lease', name: 'cqs', nodeId, nowNs, durationNs: 10n });
  const mark = (token: number, createdNs: bigint, ranUntilNs: bigint, place = {}) =>
    cluster.do({ kind: 'mark-continuous-queries', lease: 'cqs', token, marks: [{ database: 'db', name: 'cq', createdNs, ranUntilNs, ...place }] }); // prettier-ignore
  const ranUntilNs = () => cluster.database?.continuousQueries?.[0]?.ranUntilNs;
  const refused = { ok: false, code: 'lease_lost', text: 'another node has the lease' };
  create(5n);
  expect(mark(1, 5n, 60n)).toEqual(refused);
  lease(4, 100n);
  expect([mark(1, 5n, 60n), ranUntilNs()]).toEqual([{ ok: true }, 60n]);
  // The same one made again keeps its mark.
  expect([create(7n), ranUntilNs()]).toEqual([{ ok: true }, 60n]);
  lease(5, 200n);
  expect([mark(1, 5n, 70n), ranUntilNs()]).toEqual([refused, 60n]);
  expect([mark(2, 5n, 70n), ranUntilNs()]).toEqual([{ ok: true }, 70n]);
  cluster.do({ kind: 'drop-continuous-query', database: 'db', name: 'cq' });
  create(9n);
  expect([mark(2, 5n, 80n), ranUntilNs()]).toEqual([{ ok: true }, undefined]);
  expect([mark(2, 9n, 80n, { database: 'no' }), ranUntilNs()]).toEqual([{ ok: true }, undefined]);
});

test('subscriptions: of a policy, once each; dropping none is an error; they stay when the policy is altered', () => {
  const cluster = new Cluster();
  const place = { database: 'db', retentionPolicy: 'autogen', name: 's' };
  const create = (...destinations: readonly string[]) =>
    cluster.do({ kind: 'create-subscription', ...place, mode: 'ANY', destinations });
  expect(create('http://h:9092', 'udp://[::1]:9')).toEqual({ ok: true });
  expect(create('http://h:9092')).toMatchObject({ text: 'subscription already exists' });
  cluster.do({ kind: 'alter-retention-policy', database: 'db', name: 'autogen', policy: { replication: 2 }, isDefault: false }); // prettier-ignore
  expect(cluster.database?.retentionPolicies[0]?.subscriptions).toEqual([{ name: 's', mode: 'ANY', destinations: ['http://h:9092', 'udp://[::1]:9'] }]); // prettier-ignore
  const drop = (part: object) => cluster.do({ kind: 'drop-subscription', ...place, ...part });
  expect(drop({ database: 'no' })).toMatchObject({ text: 'database not found: no' });
  expect(drop({ retentionPolicy: 'no' })).toMatchObject({ text: 'retention policy not found: no' });
  expect(drop({})).toEqual({ ok: true });
  expect(drop({})).toMatchObject({ text: 'subscription not found' });
});

test('subscriptions: one of a policy leaves the others of its database as they are', () => {
  const cluster = new Cluster();
  cluster.do({ kind: 'create-retention-policy', database: 'db', policy: { name: 'rp', durationNs: 86_400_000_000_000n }, isDefault: true }); // prettier-ignore
  const before = cluster.database;
  const place = { database: 'db', retentionPolicy: 'rp', name: 's' };
  cluster.do({ kind: 'create-subscription', ...place, mode: 'ANY', destinations: ['http://h:9'] });
  const [autogen, rp] = cluster.database?.retentionPolicies ?? [];
  expect(autogen).toEqual(before?.retentionPolicies[0]);
  expect(rp).toMatchObject({ name: 'rp', subscriptions: [{ name: 's' }] });
  cluster.do({ kind: 'drop-subscription', ...place });
  expect(cluster.database?.retentionPolicies[0]).toEqual(autogen);
});

test.each([
  'h:9',
  'ftp://h:9',
  'http://h',
  'http://h:',
  'http://a b:9',
  'http://h:x',
  'udp:h:9',
  '',
])('subscriptions: %j is no place to send to', (url) => {
  const answer = new Cluster().do({ kind: 'create-subscription', database: 'db', retentionPolicy: 'autogen', name: 's', mode: 'ALL', destinations: [url] }); // prettier-ignore
  expect(answer).toMatchObject({ ok: false, text: `invalid subscription URL: ${url}` });
});
