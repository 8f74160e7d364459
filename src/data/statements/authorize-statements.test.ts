import { expect, test } from 'vitest';
import { adminPermissions, clusterPermissions, type Permission } from '../../base/permission.ts';
import { parseQuery } from '../../influxql/parser.ts';
import { emptyCatalog, type User } from '../../meta/model/catalog.ts';
import { withPermissions } from '../../meta/model/permissions.ts';
import { authorizeStatements } from './authorize-statements.ts';
import { principalOf } from './principal.ts';

const nobody: User = { name: 'u', hash: '', isAdmin: false, privileges: [] };
const catalog = { ...emptyCatalog, users: [nobody] };

/** Whether a user with a permission on a database, '' for the cluster, may run it in database `d`. */
function may(text: string, permission: Permission, scope: string): boolean {
  const user = withPermissions(nobody, [{ scope, permissions: [permission] }]);
  try {
    authorizeStatements(parseQuery(text), principalOf(user), { catalog, database: 'd' });
    return true;
  } catch {
    return false;
  }
}

test.each([
  ['CREATE DATABASE x', 'CreateDatabase', 'cluster'],
  ['CREATE RETENTION POLICY p ON d DURATION 1h REPLICATION 1', 'CreateDatabase', 'database'],
  ['ALTER RETENTION POLICY p ON d DURATION 1h', 'CreateDatabase', 'database'],
  ['SHOW RETENTION POLICIES ON d', 'CreateDatabase', 'database'],
  ['DROP DATABASE d', 'DropDatabase', 'cluster'],
  ['DROP RETENTION POLICY p ON d', 'DropDatabase', 'database'],
  ["CREATE USER x WITH PASSWORD 'p'", 'CreateUserAndRole', 'cluster'],
  ['DROP USER x', 'CreateUserAndRole', 'cluster'],
  ["SET PASSWORD FOR x = 'p'", 'CreateUserAndRole', 'cluster'],
  ['GRANT READ ON d TO x', 'CreateUserAndRole', 'cluster'],
  ['GRANT ALL TO x', 'CreateUserAndRole', 'cluster'],
  ['REVOKE READ ON d FROM x', 'CreateUserAndRole', 'cluster'],
  ['REVOKE ALL FROM x', 'CreateUserAndRole', 'cluster'],
  ['SHOW USERS', 'CreateUserAndRole', 'cluster'],
  ['SHOW GRANTS FOR x', 'CreateUserAndRole', 'cluster'],
  ['DELETE FROM m', 'DropData', 'database'],
  ['DROP MEASUREMENT m', 'DropData', 'database'],
  ['DROP SERIES FROM m', 'DropData', 'database'],
  ['SELECT f FROM m', 'ReadData', 'database'],
  ['SHOW MEASUREMENTS', 'ReadData', 'database'],
  ['SHOW TAG VALUES WITH KEY = k', 'ReadData', 'database'],
  ['DROP SHARD 1', 'ManageShard', 'cluster'],
  ['SHOW SHARDS', 'ManageShard', 'cluster'],
  ['SHOW SHARD GROUPS', 'ManageShard', 'cluster'],
  [
    'CREATE CONTINUOUS QUERY c ON d BEGIN SELECT count(f) INTO o FROM m GROUP BY time(1m) END',
    'ManageContinuousQuery',
    'database',
  ],
  ['DROP CONTINUOUS QUERY c ON d', 'ManageContinuousQuery', 'database'],
  ['SHOW CONTINUOUS QUERIES', 'ManageContinuousQuery', 'database'],
  ['SHOW QUERIES', 'ManageQuery', 'database'],
  ['KILL QUERY 1', 'ManageQuery', 'database'],
  [
    "CREATE SUBSCRIPTION s ON d.autogen DESTINATIONS ALL 'udp://h:1'",
    'ManageSubscription',
    'database',
  ],
  ['DROP SUBSCRIPTION s ON d.autogen', 'ManageSubscription', 'database'],
  ['SHOW SUBSCRIPTIONS', 'ManageSubscription', 'database'],
  ['SHOW STATS', 'Monitor', 'cluster'],
  ['SHOW DIAGNOSTICS', 'Monitor', 'cluster'],
] as const)('authorization: %s takes %s of the %s, and no less', (text, permission, of) => {
  // prettier-ignore
  expect(may(text, permission, '')).toBe(true);
  expect(may(text, permission, 'e')).toBe(false);
  expect(may(text, permission, 'd')).toBe(of === 'database');
  // What the reference's InfluxQL lets whoever reads or writes do they may go on doing.
  const others = adminPermissions.filter((one) => !['ReadData', 'WriteData', permission].includes(one)); // prettier-ignore
  for (const other of others) expect([other, may(text, other, '')]).toEqual([other, false]);
});

test('authorization: a target takes WriteData where the sources take ReadData', () => {
  const user = withPermissions(nobody, [
    { scope: 'd', permissions: ['ReadData'] },
    { scope: 'e', permissions: ['WriteData'] },
  ]);
  const run = (text: string) => () => {
    authorizeStatements(parseQuery(text), principalOf(user), { catalog, database: 'd' });
  };
  run('SELECT f INTO e.autogen.m FROM m')();
  expect(run('SELECT f INTO m FROM m')).toThrow('u not authorized to execute');
  expect(run('SELECT f FROM e.autogen.m')).toThrow('requires READ on e');
  // The statement before it may run, and none does.
  expect(run('SELECT f FROM m; DROP DATABASE d')).toThrow("statement 'DROP DATABASE d', requires admin privilege"); // prettier-ignore
  expect([...clusterPermissions].every((one) => adminPermissions.includes(one) || one.startsWith('Kapacitor'))).toBe(true); // prettier-ignore
});

test('authorization: a continuous query reads and writes its own database where none is named', () => {
  const user = withPermissions(nobody, [{ scope: 'd', permissions: ['ReadData', 'WriteData'] }]);
  const run = (database: string) => () => {
    const text =
      'CREATE CONTINUOUS QUERY c ON d BEGIN SELECT count(f) INTO o FROM m GROUP BY time(1m) END';
    authorizeStatements(parseQuery(text), principalOf(user), { catalog, database });
  };
  run('d')();
  run('')();
  expect(run('e')).toThrow('requires READ on e');
});
