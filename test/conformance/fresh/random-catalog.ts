import type { RandomChoice } from './random-choice.ts';

const databases = ['made', 'made', 'made2', '"odd db"', 'nosuch', '""', '"a/b"', '".."'];
const policies = ['p', 'p2', 'autogen', '"odd rp"', 'nosuch', '""'];
const users = ['u', 'u2', '"odd user"', 'nosuch'];
/** All that may have been made. */
export const changedThings: readonly string[] = [
  ...[...new Set(databases), 'pol'].map((name) => `DATABASE ${name}`),
  ...users.map((name) => `USER ${name}`),
];

const durations = ['1h', '30m', '0s', 'INF', '1d', '2w', '59m', '1000w', '-1h', '1'];

/** Statements that change the catalog, right and wrong ones, and questions to what they made. */
export function catalogStatement(random: RandomChoice): string {
  const [database, policy, user] = [random.of(databases), random.of(policies), random.of(users)];
  const duration = (): string => random.of(durations);
  const shard = random.maybe(0.4, () => ` SHARD DURATION ${duration()}`);
  const limits = random.maybe(0.2, () => ` ${random.of(['FUTURE', 'PAST'])} LIMIT ${duration()}`);
  const rest = `${shard}${random.maybe(0.3, () => ' DEFAULT')}${limits}`;
  const select = random.of(['SELECT mean(v) INTO x FROM m GROUP BY time(1h)', 'SELECT v INTO x FROM m', 'SELECT mean(v) FROM m GROUP BY time(1h)', 'SELECT count(v) INTO made.p.:MEASUREMENT FROM /./ GROUP BY time(5m), *', 'SELECT mean(v) INTO "made"."p"."x" FROM made2..m WHERE host = \'a\' GROUP BY time(1h, 10m) fill(none)']); // prettier-ignore
  const resample = random.maybe(0.3, () => ` RESAMPLE ${random.of(['EVERY 1m', 'FOR 2h', 'EVERY 30m FOR 90m', 'FOR 1m', ''])}`); // prettier-ignore
  return random.of([
    `CREATE DATABASE ${database}`,
    `CREATE DATABASE ${database} WITH ${random.of([`DURATION ${duration()}`, 'REPLICATION 1', `SHARD DURATION ${duration()}`, `NAME ${policy}`, `DURATION ${duration()} REPLICATION 1 SHARD DURATION ${duration()} NAME ${policy}`])}`,
    `DROP DATABASE ${database}`,
    `CREATE RETENTION POLICY ${policy} ON ${database} DURATION ${duration()} REPLICATION ${random.of(['1', '1', '2', '0', '-1', 'x'])}${rest}`,
    `CREATE RETENTION POLICY ${policy} ON ${database} DURATION ${duration()} REPLICATION 1${rest}`,
    `ALTER RETENTION POLICY ${policy} ON ${database}${random.of([` DURATION ${duration()}`, ' REPLICATION 1', ' DEFAULT', ''])}${rest}`,
    `DROP RETENTION POLICY ${policy} ON ${database}`,
    `SHOW RETENTION POLICIES ON ${database}`,
    `SHOW RETENTION POLICIES ON ${database}`,
    'SHOW DATABASES',
    `CREATE CONTINUOUS QUERY ${random.of(['c', 'c2', '"odd cq"'])} ON ${database}${resample} BEGIN ${select} END`,
    `DROP CONTINUOUS QUERY ${random.of(['c', 'c2', 'nosuch'])} ON ${database}`,
    'SHOW CONTINUOUS QUERIES',
    `CREATE SUBSCRIPTION ${random.of(['s', 's2'])} ON ${database}.${policy} DESTINATIONS ${random.of(['ALL', 'ANY', 'SOME'])} ${random.of(["'udp://127.0.0.1:9'", "'http://127.0.0.1:9', 'udp://127.0.0.1:9'", "'ftp://x:1'", "''", "'udp://x'"])}`,
    `DROP SUBSCRIPTION ${random.of(['s', 's2', 'nosuch'])} ON ${database}.${policy}`,
    'SHOW SUBSCRIPTIONS',
    `CREATE USER ${user} WITH PASSWORD ${random.of(["'secret'", "''", '"x"', "'it\\'s'"])}${random.maybe(0.2, () => ' WITH ALL PRIVILEGES')}`,
    `DROP USER ${user}`,
    `SET PASSWORD FOR ${user} = 'other'`,
    `GRANT ${random.of(['READ', 'WRITE', 'ALL', 'ALL PRIVILEGES', 'NONE'])} ON ${database} TO ${user}`,
    `REVOKE ${random.of(['READ', 'WRITE', 'ALL', 'ALL PRIVILEGES'])} ON ${database} FROM ${user}`,
    `GRANT ALL PRIVILEGES TO ${user}`,
    `REVOKE ALL PRIVILEGES FROM ${user}`,
    `SHOW GRANTS FOR ${user}`,
    'SHOW USERS',
    `DROP MEASUREMENT ${random.of(['m', 'nosuch', '/m/', '""'])}`,
    `DELETE FROM ${random.of(['nosuch', 'made.p.m', '/./', 'p.m'])}`,
    `DROP SERIES ${random.of(['FROM nosuch', '', 'FROM made.p.m', "WHERE time > 3", 'WHERE v > 3'])}`,
    `KILL QUERY ${random.of(['99', 'x'])}`,
    'DROP SHARD 9999',
  ]); // prettier-ignore
}
