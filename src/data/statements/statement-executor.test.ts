import { expect, test } from 'vitest';
import type { Log } from '../../env/log.ts';
import type { Clock } from '../../env/clock.ts';
import { parseQuery } from '../../influxql/parser.ts';
import { emptyCatalog } from '../../meta/model/catalog.ts';
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

test('statements: what is dropped the metas decide, also when this node has not heard of the database', async () => {
  const sent: Command[] = [];
  const clock = { monotonicMs: () => 0, wallNs: () => 0n } as unknown as Clock;
  const execute = (command: Command) => {
    sent.push(command);
    return Promise.resolve(undefined);
  };
  const ports = {
    clock,
    log: {} as Log,
    meta: { catalog: emptyCatalog, nodeId: 4, execute },
    registry: new QueryRegistry({ clock, log: {} as Log }),
  } as unknown as StatementPorts;
  const request = requestOf('DROP RETENTION POLICY p ON d');
  for await (const { error } of new StatementExecutor(ports).execute(request))
    expect(error).toBeUndefined();
  expect(sent).toEqual([{ kind: 'drop-retention-policy', database: 'd', name: 'p' }]);
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
