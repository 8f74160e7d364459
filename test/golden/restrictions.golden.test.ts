/**
 * Fine-grained authorization over HTTP: what a restricted user reads of a database is what anybody reads of one that has nothing but what
 * they may read. (But for names of fields and tags that only hidden series of a measurement have: these stand in the columns of `*`.)
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openAccess } from '../../src/http/data/access/access-options.ts';
import type { AclGrant, AclKind, AclRule } from '../../src/meta/model/acl.ts';
import { startOneNode, type OneNode } from '../support/one-node.ts';

const folder = mkdtempSync(join(tmpdir(), 'varve-acl-'));
let node: OneNode;

const seen = [
  'network,dc=east,host=a bytes=1i,load=0.5 1000000000',
  'network,dc=east,host=b bytes=2i,load=1.5 61000000000',
  'network,dc=north,host=a bytes=4i 2000000000',
  'network,host=c,rack=r bytes=8i,name="x" 3000000000',
  'cpu,dc=west idle=1 1000000000',
  'cpu,dc=east idle=2 61000000000',
  'disk_east,dc=east free=3 5000000000',
];
const hidden = [
  'network,dc=west,host=a bytes=16i 1000000000',
  'network,dc=west,host=w,rack=r bytes=32i,load=9 62000000000',
  'secret,dc=east key="k" 1000000000',
  'disk_west,dc=west free=7 5000000000',
  'disk_east,dc=west,slot=1 free=9 5000000000',
];
const users = ['root', 'east', 'both', 'other'] as const;
type User = (typeof users)[number];

const exact = (value: string) => ({ match: 'exact', value }) as const;
const dc = (value: string) => [{ key: 'dc', ...exact(value) }];
let ruleCount = 0;

async function make(of: AclKind, part: Partial<AclGrant>): Promise<string> {
  const id = (++ruleCount).toString(16).padStart(16, '0');
  const rule: AclGrant = { id, database: exact('d'), tags: [], permissions: ['read', 'write'], users: [], roles: [], ...part }; // prettier-ignore
  await node.meta.execute({ kind: 'create-acl-rule', of, rule });
  return id;
}

interface Asked {
  readonly method?: 'GET' | 'POST';
  readonly more?: Readonly<Record<string, string>>;
}

async function ask(
  user: User,
  path: string,
  { method = 'GET', body, more = {} }: Asked & { readonly body?: string } = {},
) {
  // prettier-ignore
  const headers = { authorization: `Basic ${btoa(`${user}:${user}`)}`, ...more };
  const answer = await fetch(`${node.url}${path}`, { method, headers, ...(body !== undefined && { body }) }); // prettier-ignore
  return `${answer.status} ${await answer.text()}`;
}

const query = (user: User, q: string, asked: Asked = {}, more = '') =>
  ask(user, `/query?q=${encodeURIComponent(q)}${more}`, asked);
const write = (user: User, database: string, lines: readonly string[]) =>
  ask(user, `/write?db=${database}`, { method: 'POST', body: lines.join('\n') });

beforeAll(async () => {
  node = await startOneNode(folder, { workerCount: 2, access: { ...openAccess, isEnabled: true } });
  await ask('root', `/query?q=${encodeURIComponent("CREATE USER root WITH PASSWORD 'root' WITH ALL PRIVILEGES")}`, { method: 'POST' }); // prettier-ignore
  const run = async (q: string): Promise<void> => {
    expect(await query('root', q, { method: 'POST' })).toMatch(/^200 (?!.*error)/);
  };
  for (const database of ['d', 'e', 'copies']) await run(`CREATE DATABASE ${database}`);
  for (const user of users.slice(1)) {
    await run(`CREATE USER ${user} WITH PASSWORD '${user}'`);
    for (const database of ['d', 'e', 'copies']) await run(`GRANT ALL ON ${database} TO ${user}`);
  }
  await node.meta.execute({ kind: 'create-role', name: 'ops', permissions: [], users: ['both'] });
  expect(await write('root', 'd', [...seen, ...hidden])).toBe('204 ');
  expect(await write('root', 'e', seen)).toBe('204 ');
  const network: Partial<AclRule> = { measurement: exact('network') };
  await make('restriction', { ...network, tags: dc('west') });
  await make('restriction', { ...network, tags: dc('east') });
  await make('restriction', { measurement: exact('secret') });
  await make('restriction', { measurement: { match: 'prefix', value: 'disk_' } });
  await make('grant', { ...network, tags: dc('east'), users: ['east'] });
  await make('grant', { measurement: { match: 'prefix', value: 'disk_' }, tags: dc('east'), users: ['east'] }); // prettier-ignore
  await make('grant', { roles: ['ops'] });
}, 60_000);

afterAll(async () => {
  await node.close();
  rmSync(folder, { recursive: true });
});

const statements = [
  'SELECT * FROM network',
  'SELECT * FROM /network|cpu|secret/',
  'SELECT bytes FROM network WHERE dc = \'west\'',
  'SELECT bytes FROM network WHERE dc != \'east\' OR bytes > 0',
  'SELECT count(bytes), sum(bytes), max(bytes) FROM network',
  'SELECT sum(bytes) FROM network WHERE time >= 0 AND time < 2m GROUP BY time(1m), *',
  'SELECT last(bytes), dc FROM network',
  'SELECT distinct(bytes) FROM network GROUP BY dc',
  'SELECT top(bytes, 3), host FROM network',
  'SELECT sum(m) FROM (SELECT max(bytes) AS m FROM network GROUP BY host) GROUP BY host',
  'SELECT count("key") FROM secret',
  'SELECT free FROM disk_west',
  'SELECT free, dc FROM disk_east',
  'SELECT mean(bytes) FROM /./ GROUP BY dc, host',
  'SELECT bytes FROM network LIMIT 2 OFFSET 1 SLIMIT 1',
  'SHOW MEASUREMENTS',
  'SHOW MEASUREMENTS WITH MEASUREMENT =~ /disk/',
  'SHOW MEASUREMENTS WHERE dc = \'west\'',
  'SHOW SERIES',
  'SHOW SERIES FROM network WHERE host = \'a\' LIMIT 1 OFFSET 2',
  'SHOW SERIES WHERE time < 10s',
  'SHOW TAG KEYS',
  'SHOW TAG KEYS FROM network WHERE host = \'w\'',
  'SHOW TAG VALUES WITH KEY = dc',
  'SHOW TAG VALUES FROM network WITH KEY IN (dc, host, rack)',
  'SHOW TAG VALUES WITH KEY = dc WHERE host = \'a\'',
  'SHOW FIELD KEYS',
  'SHOW SERIES CARDINALITY',
  'SHOW SERIES EXACT CARDINALITY',
  'SHOW SERIES CARDINALITY FROM network',
  'SHOW MEASUREMENT CARDINALITY',
  'SHOW MEASUREMENT EXACT CARDINALITY',
  'SHOW TAG VALUES CARDINALITY WITH KEY = dc',
  'SHOW TAG KEY CARDINALITY',
  'SHOW FIELD KEY CARDINALITY',
]; // prettier-ignore

test.each(statements)('restrictions: %s answers as if there were nothing else', async (q) => {
  for (const more of ['', '&chunked=true&chunk_size=2', '&pretty=true']) {
    const right = await query('root', q, {}, `${more}&db=e`);
    expect(await query('root', q, {}, `${more}&db=d`), 'the admin sees more').not.toBe(right);
    for (const method of ['GET', 'POST'] as const) {
      expect(await query('east', q, { method }, `${more}&db=d`)).toBe(right);
      expect(await query('east', q, { method }, `${more}&db=e`)).toBe(right);
      expect(await query('both', q, { method }, `${more}&db=d`)).toBe(await query('root', q, {}, `${more}&db=d`)); // prettier-ignore
    }
  }
});

test('restrictions: what names the database elsewhere is bound as well', async () => {
  for (const q of [
    'SELECT count(bytes) FROM d..network',
    'SELECT count(b) FROM (SELECT bytes AS b FROM d..network)',
    'SHOW SERIES FROM d..network',
    'SHOW FIELD KEYS ON d',
    'SHOW TAG VALUES ON d WITH KEY = dc',
  ]) {
    // prettier-ignore
    const right = await query('root', q.replace('d..', 'e..').replace('ON d', 'ON e'), {}, '&db=e');
    expect(await query('east', q, {}, '&db=e')).toBe(right);
  }
  expect(await query('east', 'EXPLAIN SELECT bytes FROM network', {}, '&db=d')).toContain('NUMBER OF SERIES: 4'); // prettier-ignore
});

test('restrictions: a statement asked before by one who may read more is answered anew', async () => {
  for (const q of ['SHOW MEASUREMENTS', 'SELECT sum(bytes) FROM network']) {
    const right = await query('root', q, {}, '&db=e');
    const all = await query('root', q, {}, '&db=d');
    for (const _ of [1, 2, 3]) {
      expect(await query('east', q, {}, '&db=d')).toBe(right);
      expect(await query('root', q, {}, '&db=d')).toBe(all);
    }
  }
});

test('restrictions: of a body with a series that may not be written nothing is', async () => {
  const before = await query('root', 'SELECT count(*) FROM /.*/', {}, '&db=d');
  const escaped = String.raw`network,dc=we\ st,host=a bytes=1i`;
  for (const lines of [['network,dc=east bytes=1i', 'network,dc=west bytes=1i'], ['secret key="a"'], ['cpu idle=1', 'cpu note="a\nsecret key=1"', 'disk_x free=1'], ['network,host=a,dc=west bytes=1i', escaped]]) // prettier-ignore
    expect(await write('east', 'd', lines)).toMatch(/^403 \{"error":"not authorized to write to .* of database \\"d\\": it is restricted"\}/); // prettier-ignore
  const gzip = new Response(new Blob([hidden.join('\n')]).stream().pipeThrough(new CompressionStream('gzip'))); // prettier-ignore
  const zipped = await fetch(`${node.url}/write?db=d`, { method: 'POST', headers: { authorization: `Basic ${btoa('east:east')}`, 'content-encoding': 'gzip' }, body: await gzip.arrayBuffer() }); // prettier-ignore
  expect(zipped.status).toBe(403);
  expect(await ask('east', '/api/v2/write?bucket=d/autogen', { method: 'POST', body: 'secret key="a"' })).toMatch(/^403 /); // prettier-ignore
  expect(await query('east', 'SELECT bytes INTO d..secret FROM d..network', { method: 'POST' }, '&db=d')).toContain('not authorized to write to'); // prettier-ignore
  expect(await query('root', 'SELECT count(*) FROM /.*/', {}, '&db=d')).toBe(before);
});

test('restrictions: what may be written is, also by who has a role for it', async () => {
  expect(await write('east', 'copies', ['secret key="a"'])).toBe('204 ');
  const text = await query('east', 'SELECT * INTO copies..copy FROM d..network GROUP BY *', { method: 'POST' }, '&db=d'); // prettier-ignore
  expect(text).toContain('"values":[["1970-01-01T00:00:00Z",4]]');
  expect(await write('east', 'd', ['network,dc=east,host=a bytes=1i,load=0.5 1000000000', 'cpu,dc=west idle=1 1000000000'])).toBe('204 '); // prettier-ignore
  expect(await write('both', 'd', [hidden[0] ?? ''])).toBe('204 ');
  expect(await write('other', 'd', [seen[0] ?? ''])).toMatch(/^403 /);
});

test('restrictions: nobody gets around them by what goes on by itself', async () => {
  const continuous = 'CREATE CONTINUOUS QUERY c ON d BEGIN SELECT max(bytes) INTO copies..leak FROM network GROUP BY time(1m) END'; // prettier-ignore
  expect(await query('east', continuous, { method: 'POST' }, '&db=d')).toMatch(/^403 .*reads or writes of its databases are restricted/); // prettier-ignore
  await node.meta.execute({ kind: 'change-user-permissions', name: 'east', permissions: [{ scope: 'd', permissions: ['ManageSubscription'] }], isGrant: true }); // prettier-ignore
  expect(await query('east', 'CREATE SUBSCRIPTION s ON d.autogen DESTINATIONS ALL \'http://h:1\'', { method: 'POST' }, '&db=d')).toMatch(/^403 .*restricted/); // prettier-ignore
  expect(node.meta.catalog.databases.get('d')?.continuousQueries).toBeUndefined();
});

test('restrictions: a delete takes what may be written, and no more', async () => {
  await query('root', 'CREATE DATABASE g', { method: 'POST' });
  await query('root', 'GRANT ALL ON g TO east', { method: 'POST' });
  await make('restriction', { database: exact('g'), tags: dc('west'), permissions: ['write'] });
  await make('restriction', { database: exact('g'), measurement: exact('secret'), permissions: ['write'] }); // prettier-ignore
  const fill = () => write('root', 'g', [...seen, ...hidden]);
  const left = async () => query('root', 'SHOW SERIES', {}, '&db=g');
  for (const erase of [
    () => query('east', 'DELETE FROM /.*/', { method: 'POST' }, '&db=g'),
    () => query('east', 'DROP SERIES FROM /.*/', { method: 'POST' }, '&db=g'),
    () => ask('east', '/api/v2/delete?bucket=g/autogen', { method: 'POST', body: JSON.stringify({ start: '1960-01-01T00:00:00Z', stop: '2030-01-01T00:00:00Z' }) }), // prettier-ignore
  ]) {
    await fill();
    expect(await erase()).toMatch(/^200 (?!.*error)/);
    expect(await left()).toBe('200 {"results":[{"statement_id":0,"series":[{"columns":["key"],"values":[["cpu,dc=west"],["disk_east,dc=west,slot=1"],["disk_west,dc=west"],["network,dc=west,host=a"],["network,dc=west,host=w,rack=r"],["secret,dc=east"]]}]}]}\n'); // prettier-ignore
  }
  expect(await query('east', 'DELETE FROM secret', { method: 'POST' }, '&db=g')).toContain('not authorized to delete from'); // prettier-ignore
  expect(await query('east', 'DELETE FROM /secr/', { method: 'POST' }, '&db=g')).toContain('not authorized to delete from'); // prettier-ignore
  const policy = 'CREATE RETENTION POLICY p ON g DURATION INF REPLICATION 1';
  expect(await query('root', policy, { method: 'POST' })).toMatch(/^200 (?!.*error)/);
  const drop = () => query('east', 'DROP RETENTION POLICY p ON g', { method: 'POST' });
  expect(await drop()).toMatch(/^403 .*reads or writes of its databases are restricted/);
  await node.meta.execute({ kind: 'change-user-permissions', name: 'east', permissions: [{ scope: 'g', permissions: ['DropDatabase'] }], isGrant: true }); // prettier-ignore
  expect(await drop()).toMatch(/^200 (?!.*error)/);
});

test('restrictions: a delete by a pattern does not tell that something hidden is there', async () => {
  const before = await query('root', 'SHOW SERIES', {}, '&db=d');
  for (const pattern of ['/^secret$/', '/^nothing$/', '/^disk_w/'])
    for (const verb of ['DELETE', 'DROP SERIES'])
      expect(await query('other', `${verb} FROM ${pattern}`, { method: 'POST' }, '&db=d')).toBe('200 {"results":[{"statement_id":0}]}\n'); // prettier-ignore
  for (const name of ['secret', 'disk_w'])
    expect(await query('other', `DELETE FROM ${name}`, { method: 'POST' }, '&db=d')).toContain(`not authorized to delete from \\"${name}\\"`); // prettier-ignore
  expect(await query('root', 'SHOW SERIES', {}, '&db=d')).toBe(before);
});

test('restrictions: a continuous query that is run by hand reads and writes what may be', async () => {
  const continuous = 'CREATE CONTINUOUS QUERY c ON copies BEGIN SELECT count("key") INTO copies..told FROM d..secret GROUP BY time(1m) END'; // prettier-ignore
  expect(await query('root', continuous, { method: 'POST' })).toMatch(/^200 (?!.*error)/);
  const run = (user: User) => query(user, "EXECUTE CONTINUOUS QUERY c ON copies FROM '1970-01-01T00:00:00Z' TO '1970-01-01T00:01:00Z'", { method: 'POST' }); // prettier-ignore
  const wrote = (count: number) => expect.stringContaining(`[["1970-01-01T00:00:00Z",${count}]]`) as string; // prettier-ignore
  expect(await run('east')).toEqual(wrote(0));
  expect(await run('root')).toEqual(wrote(1));
  await query('root', 'DROP CONTINUOUS QUERY c ON copies', { method: 'POST' });
});

test('restrictions: they come and go with the catalog', async () => {
  const count = () => query('other', 'SELECT count(idle) FROM cpu', {}, '&db=d');
  const all = await count();
  const id = await make('restriction', { measurement: exact('cpu'), permissions: ['read'] });
  expect(await count()).toBe('200 {"results":[{"statement_id":0}]}\n');
  const granted = await make('grant', { measurement: exact('cpu'), permissions: ['read'], users: ['other'] }); // prettier-ignore
  expect(await count()).toBe(all);
  await node.meta.execute({ kind: 'drop-acl-rule', of: 'grant', ruleId: granted });
  expect(await count()).toBe('200 {"results":[{"statement_id":0}]}\n');
  await node.meta.execute({ kind: 'drop-acl-rule', of: 'restriction', ruleId: id });
  expect(await count()).toBe(all);
});
