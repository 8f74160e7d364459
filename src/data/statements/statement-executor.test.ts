import { expect, test } from 'vitest';
import { MemoryMeta } from '../../../test/support/memory-meta.ts';
import { DbError } from '../../base/errors.ts';
import type { Log } from '../../env/log.ts';
import type { Clock } from '../../env/clock.ts';
import { parseQuery } from '../../influxql/parser.ts';
import { emptyCatalog, type Catalog } from '../../meta/model/catalog.ts';
import { NodeFailure } from '../shards/node-failure.ts';
import type { Command } from '../../meta/command/command.ts';
import { everyone } from './principal.ts';
import { QueryRegistry } from './queries/query-registry.ts';
import { StatementExecutor, type QueryRequest, type StatementPorts } from './statement-executor.ts';

function requestOf(q: string, signal: AbortSignal = new AbortController().signal): QueryRequest {
  return {
    statements: parseQuery(q),
    database: '',
    retentionPolicy: '',
    principal: everyone,
    isReadOnly: false,
    bucketsMax: 0,
    timeoutMs: 0,
    signal,
  };
}

test.each([
  ['DROP RETENTION POLICY p ON d', true],
  ['DROP DATABASE d', true],
  ['CREATE RETENTION POLICY p ON d DURATION INF REPLICATION 1 DEFAULT', true],
  ['ALTER RETENTION POLICY p ON d DURATION INF', true],
  ['CREATE DATABASE d', false],
  ['DROP SUBSCRIPTION s ON d.p', false],
])(
  'statements: %s is for the metas to decide, also when this node has not heard of the database; all nodes hear of it: %s',
  async (text, isHeard) => {
    const sent: string[] = [];
    const clock = { monotonicMs: () => 0, wallNs: () => 0n } as unknown as Clock;
    const execute = ({ kind }: Command) => Promise.resolve(void sent.push(kind));
    const meta = { catalog: emptyCatalog, nodeId: 4, execute } as unknown as StatementPorts['meta'];
    const heardByAll = () => Promise.resolve(void sent.push('heard'));
    const { signal } = new AbortController();
    const results = await resultsOf(text, signal, { clock, meta, heardByAll });
    expect(results).toEqual([{ statementId: 0, series: [] }]);
    const [statement] = parseQuery(text);
    expect(sent).toEqual([statement?.kind, ...(isHeard ? ['heard'] : [])]);
  },
);

test('statements: a shard that this node of several has not heard of the metas drop', async () => {
  const sent: Command[] = [];
  const dataNodes = [4, 5].map((id) => ({ id, tcpAddress: `d${id}`, httpAddress: '' }));
  const meta = {
    catalog: { ...emptyCatalog, dataNodes },
    nodeId: 4,
    execute: (command: Command) => Promise.resolve(void sent.push(command)),
  } as unknown as StatementPorts['meta'];
  const heardByAll = () => Promise.resolve();
  const clock = { monotonicMs: () => 0, wallNs: () => 60n } as unknown as Clock;
  const { signal } = new AbortController();
  await resultsOf('DROP SHARD 3', signal, { clock, meta, heardByAll });
  expect(sent).toEqual([{ kind: 'drop-shard', shardId: 3, nowNs: 60n }]);
  // No command has room for such a number, and no shard has one.
  await resultsOf('DROP SHARD 18446744073709551615', signal, { clock, meta, heardByAll });
  expect(sent).toHaveLength(1);
});

test('statements: the number of a query that is not there is told to its last digit', async () => {
  const { signal } = new AbortController();
  const results = await resultsOf('KILL QUERY 18446744073709551615', signal, {});
  expect(results).toMatchObject([{ error: 'no such query id: 18446744073709551615' }]);
});

async function resultsOf(q: string, signal: AbortSignal, more: Partial<StatementPorts>) {
  const clock = { monotonicMs: () => 0, wallNs: () => 0n } as unknown as Clock;
  const registry = new QueryRegistry({ clock, log: {} as Log });
  const meta = { catalog: emptyCatalog, nodeId: 4 };
  const ports = { clock, meta, registry, ...more } as unknown as StatementPorts;
  const request = requestOf(q, signal);
  const results: unknown[] = [];
  for await (const result of new StatementExecutor(ports).execute(request)) results.push(result);
  return results;
}

test('statements: there are no subscriptions, and that is no error', async () => {
  const { signal } = new AbortController();
  expect(await resultsOf('SHOW SUBSCRIPTIONS', signal, {})).toEqual([
    { statementId: 0, series: [], isWhole: true },
  ]);
});

test('statements: a client that leaves in the middle is not logged as a surprise', async () => {
  const gone = new AbortController();
  const logged: string[] = [];
  const log = { error: (message: string) => logged.push(message) } as unknown as Log;
  const show = () => {
    gone.abort(new Error('query aborted'));
    return Promise.reject(gone.signal.reason as Error);
  };
  const queries = { show } as unknown as StatementPorts['queries'];
  await resultsOf('SHOW QUERIES', gone.signal, { log, queries });
  expect(logged).toEqual([]);
});

test('statements: what failed on a worker in a way nobody expected is logged with its place there, and a refusal is not', async () => {
  const { signal } = new AbortController();
  const logged: unknown[] = [];
  const log = { error: (_: string, fields: object) => logged.push(fields) } as unknown as Log;
  const failing = (error: DbError) =>
    ({ show: () => Promise.reject(error) }) as unknown as StatementPorts['queries'];
  const cause = 'TypeError: x\n    at merge (merge.ts:7)';
  const surprise = failing(new DbError('internal', 'x', { cause }));
  const results = await resultsOf('SHOW QUERIES', signal, { log, queries: surprise });
  expect(results).toMatchObject([{ error: 'x' }]);
  await resultsOf('SHOW QUERIES', signal, { log, queries: failing(new DbError('timeout', 'y')) });
  expect(logged).toEqual([{ statement: 'SHOW QUERIES', error: cause }]);
});

test('statements: a killed query whose client reads nothing runs no longer', async () => {
  const clock = { monotonicMs: () => 0, wallNs: () => 0n } as unknown as Clock;
  const registry = new QueryRegistry({ clock, log: {} as Log });
  const meta = { catalog: emptyCatalog, nodeId: 4 };
  const executor = new StatementExecutor({ clock, meta, registry } as unknown as StatementPorts);
  const results = executor.execute(requestOf('SHOW SUBSCRIPTIONS; SHOW DATABASES'));
  await results.next();
  registry.kill(1);
  expect(registry.list()).toEqual([]);
  // A client that reads on after all hears why there is no more.
  expect((await results.next()).value).toMatchObject({
    statementId: 1,
    error: 'query interrupted',
  });
});

test('statements: an owner that was waited for in vain is not asked again when another one is left', async () => {
  const catalog = await ownedBy([2, 3]);
  const asked: string[] = [];
  let nowMs = 0;
  const clock = { monotonicMs: () => nowMs, wallNs: () => 0n } as unknown as Clock;
  const of = (nodeId: number) => ({
    described: () => {
      asked.push(`schemas of ${nodeId}`);
      return { measurements: [], lanes: [[1]] };
    },
    answerFor: async function* () {
      asked.push(`answer of ${nodeId}`);
      nowMs += 10_000;
      yield* await Promise.resolve([]);
      throw new NodeFailure(nodeId, new DbError('outcome_unknown', 'the connection broke'));
    },
  });
  const limits = { pointsMax: 0, seriesMax: 0 };
  const accounts = { limits, open: () => ({ close: () => undefined, charge: () => undefined, release: () => undefined }) }; // prettier-ignore
  const registry = new QueryRegistry({ clock, log: {} as Log });
  const ports = { clock, registry, accounts, meta: { catalog, nodeId: 1 }, shards: { of, missedAt: () => 0 }, random: { u32: () => 0 } }; // prettier-ignore
  const executor = new StatementExecutor(ports as unknown as StatementPorts);
  const request = { ...requestOf('SELECT v FROM m'), database: 'd' };
  expect(await executor.answer(request, {})).toBeUndefined();
  const results: unknown[] = [];
  for await (const result of executor.execute({ ...request })) results.push(result);
  expect(results).toEqual([{ statementId: 0, series: [] }]);
  expect(asked).toEqual(['schemas of 2', 'answer of 2', 'schemas of 3']);
});

test('statements: a list says which shards it is without', async () => {
  const catalog = await ownedBy([2], [3]);
  const of = (nodeId: number) => ({
    describe: (shardIds: readonly number[]) =>
      nodeId === 2
        ? Promise.reject(new DbError('unavailable', 'connection refused'))
        : Promise.resolve({ measurements: [{ name: 'm', fields: [], tagKeys: [] }], lanes: [shardIds] }), // prettier-ignore
  });
  const clock = { monotonicMs: () => 0, wallNs: () => 0n } as unknown as Clock;
  const log = { warn: () => undefined } as unknown as Log;
  const registry = new QueryRegistry({ clock, log });
  const ports = { clock, log, registry, meta: { catalog, nodeId: 1 }, shards: { of, missedAt: () => 0 }, random: { u32: () => 0 } }; // prettier-ignore
  const executor = new StatementExecutor(ports as unknown as StatementPorts);
  const results: unknown[] = [];
  for await (const result of executor.execute({ ...requestOf('SHOW MEASUREMENTS'), database: 'd' }))
    results.push(result);
  const text = 'the list is without shards that no owner answers for: 1';
  expect(results).toMatchObject([{ series: [{ rows: [['m']] }], messages: [{ level: 'warning', text }] }]); // prettier-ignore
});

/** A catalog with a database of one shard group, whose shards have these owners. */
async function ownedBy(...owners: readonly (readonly number[])[]): Promise<Catalog> {
  const meta = new MemoryMeta();
  for (const port of [1, 2, 3])
    await meta.execute({ kind: 'create-data-node', httpAddress: `h:${port}`, tcpAddress: `t:${port}`, dataNodesMax: 3 }); // prettier-ignore
  await meta.execute({ kind: 'create-database', name: 'd' });
  await meta.execute({ kind: 'create-shard-groups', database: 'd', retentionPolicy: 'autogen', timesNs: [0n] }); // prettier-ignore
  const { catalog } = meta;
  const [database] = [...catalog.databases];
  const [policy] = database?.retentionPolicies ?? [];
  const [group] = policy?.shardGroups ?? [];
  if (database === undefined || policy === undefined || group === undefined) throw new Error('it was made'); // prettier-ignore
  const shardGroups = [
    { ...group, shards: owners.map((those, i) => ({ id: i + 1, owners: those })) },
  ];
  const placed = { ...database, retentionPolicies: [{ ...policy, shardGroups }] };
  return { ...catalog, databases: catalog.databases.with(placed) };
}

test('statements: a node of a cluster that does not know its catalog says so, and not that a database is missing', () => {
  const executorOf = (nodeId: number, index: number) => {
    const ports = { meta: { catalog: { ...emptyCatalog, index }, nodeId } };
    return new StatementExecutor(ports as unknown as StatementPorts);
  };
  const request = { ...requestOf('SHOW MEASUREMENTS'), database: 'd' };
  expect(() => executorOf(4, 0).authorize(request)).toThrow('meta service unavailable');
  expect(() => executorOf(4, 1).authorize(request)).not.toThrow();
  // Nobody has added it to a cluster yet.
  expect(() => executorOf(0, 0).authorize(request)).not.toThrow();
});
