import { everyone } from './principal.ts';
import { expect, test } from 'vitest';
import { parseQuery } from '../../influxql/parser.ts';
import { applyCommand } from '../../meta/apply/apply.ts';
import { emptyCatalog, findDatabase, type Catalog } from '../../meta/model/catalog.ts';
import type { Command } from '../../meta/command/command.ts';
import { catalogCommand } from './catalog-statements.ts';
import { showContinuousQueries, showSubscriptions } from './show-catalog.ts';

/** What the statements make of a catalog with database adm1. */
function run(...texts: readonly string[]): { catalog: Catalog; errors: readonly string[] } {
  let catalog = emptyCatalog;
  const errors: string[] = [];
  const take = (command: Command | undefined): void => {
    const index = catalog.index + 1;
    const applied = applyCommand(catalog, index, { id: `${index}`, command });
    ({ catalog } = applied);
    if (!applied.answer.ok) errors.push(applied.answer.text);
  };
  take({ kind: 'create-database', name: 'adm1' });
  for (const text of texts)
    for (const statement of parseQuery(text)) {
      try {
        take(catalogCommand(statement, catalog, { database: '', retentionPolicy: '' }));
      } catch (error) {
        errors.push((error as Error).message);
      }
    }
  return { catalog, errors };
}

test('databases: one that is created with an empty name of a policy has autogen', () => {
  const { catalog, errors } = run(
    'CREATE DATABASE d WITH DURATION 2w NAME ""',
    'CREATE DATABASE d WITH NAME ""',
    'CREATE DATABASE d WITH DURATION 3w NAME ""',
    'CREATE RETENTION POLICY "" ON d DURATION 1h REPLICATION 1',
  );
  expect(errors).toEqual([
    'retention policy conflicts with an existing policy',
    'retention policy name required',
  ]);
  expect(findDatabase(catalog, 'd')).toMatchObject({ defaultRetentionPolicy: 'autogen' });
});

test('retention policies: ALTER of "" is one of the default policy', () => {
  const { catalog, errors } = run(
    'CREATE RETENTION POLICY rp ON adm1 DURATION 1d REPLICATION 1',
    'ALTER RETENTION POLICY "" ON adm1 DURATION 3d SHARD DURATION 2h',
    'ALTER RETENTION POLICY "" ON adm2 DURATION 3d',
  );
  expect(errors).toEqual(['database not found: adm2']);
  const policies = findDatabase(catalog, 'adm1')?.retentionPolicies;
  expect(policies).toMatchObject([{ name: 'autogen', durationNs: 259_200_000_000_000n }, { durationNs: 86_400_000_000_000n }]); // prettier-ignore
});

test('retention policies: DROP of "" is refused where there is data', () => {
  const drop = 'DROP RETENTION POLICY "" ON adm1';
  expect(run(drop).errors).toEqual([]);
  let { catalog } = run();
  const written: readonly Command[] = [
    { kind: 'create-data-node', httpAddress: 'h:1', tcpAddress: 'h:2', dataNodesMax: 1 },
    { kind: 'create-shard-groups', database: 'adm1', retentionPolicy: 'autogen', timesNs: [0n] },
  ];
  for (const command of written) {
    const index = catalog.index + 1;
    ({ catalog } = applyCommand(catalog, index, { id: `${index}`, command }));
  }
  const place = { database: '', retentionPolicy: '' };
  const [statement] = parseQuery(drop);
  expect(() => statement && catalogCommand(statement, catalog, place)).toThrow(
    "invalid path for database 'adm1', retention policy ''",
  );
});

test('continuous queries: kept and shown with databases and policies written out, as the reference has them', () => {
  const { catalog, errors } = run(
    `CREATE CONTINUOUS QUERY cq1 ON adm1 RESAMPLE EVERY 30m FOR 2h BEGIN SELECT v INTO o FROM /m/ WHERE h = 'a' GROUP BY time(10m, 1m) fill(none) END`,
    'CREATE CONTINUOUS QUERY cq2 ON adm1 BEGIN SELECT mean(v) INTO rpa.o FROM m GROUP BY time(1h) END',
    'CREATE CONTINUOUS QUERY cq2 ON adm2 BEGIN SELECT mean(v) INTO o FROM m GROUP BY time(1h) END',
    'DROP CONTINUOUS QUERY none ON adm1',
  );
  expect(errors).toEqual(['retention policy not found: adm1.rpa', 'database not found: adm2']);
  expect(showContinuousQueries(catalog, everyone)).toEqual([
    {
      kind: 'rows',
      name: 'adm1',
      columns: ['name', 'query'],
      rows: [['cq1', `CREATE CONTINUOUS QUERY cq1 ON adm1 RESAMPLE EVERY 30m FOR 2h BEGIN SELECT v INTO adm1.autogen.o FROM adm1.autogen./m/ WHERE h = 'a' GROUP BY time(10m, 1m) fill(none) END`]], // prettier-ignore
    },
  ]);
});

test('subscriptions: shown for databases that have some', () => {
  expect(showSubscriptions(run().catalog)).toEqual([]);
  const { catalog, errors } = run(
    `CREATE SUBSCRIPTION s1 ON adm1.autogen DESTINATIONS ANY 'http://127.0.0.1:9', 'udp://h:1'`,
    `CREATE SUBSCRIPTION s2 ON adm1.rpa DESTINATIONS ALL 'http://127.0.0.1:9'`,
    'DROP SUBSCRIPTION s2 ON adm1.autogen',
  );
  expect(errors).toEqual(['retention policy not found: rpa', 'subscription not found']);
  const rows = [['autogen', 's1', 'ANY', ['http://127.0.0.1:9', 'udp://h:1']]];
  expect(showSubscriptions(catalog)).toMatchObject([{ name: 'adm1', rows }]);
});

test('continuous queries: names without a policy are of the one that the request names, as in 1.12.4', () => {
  const { catalog } = run('CREATE RETENTION POLICY p ON adm1 DURATION INF REPLICATION 1');
  const place = { database: 'adm1', retentionPolicy: 'p' };
  const made = (text: string): Command | undefined => {
    const [statement] = parseQuery(text);
    return statement && catalogCommand(statement, catalog, place);
  };
  const create = 'CREATE CONTINUOUS QUERY q ON adm1 BEGIN SELECT mean(v) INTO';
  expect(made(`${create} o FROM m GROUP BY time(1h) END`)).toMatchObject({
    text: `${create} adm1.p.o FROM adm1.p.m GROUP BY time(1h) END`,
  });
  place.retentionPolicy = 'none';
  expect(made(`${create} autogen.o FROM autogen.m GROUP BY time(1h) END`)).toMatchObject({
    text: `${create} adm1.autogen.o FROM adm1.autogen.m GROUP BY time(1h) END`,
  });
  expect(() => made(`${create} autogen.o FROM m GROUP BY time(1h) END`)).toThrow(
    'retention policy not found: adm1.none',
  );
});

test('subscriptions: one with more destinations than there may be is told how many these are', () => {
  const create = (count: number) => `CREATE SUBSCRIPTION s${count} ON adm1.autogen DESTINATIONS ALL ${Array.from({ length: count }, (_, i) => `'udp://h:${i + 1}'`).join()}`; // prettier-ignore
  expect(run(create(64), create(65)).errors).toEqual([
    'a subscription has at most 64 destinations, not 65',
  ]);
});
