import { spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually } from '../support/dev-cluster.ts';
import { serverTable } from '../support/ldap-config.ts';
import { LdapServer } from '../support/ldap-server.ts';
import { Workshop, type LoneDaemon } from '../support/lone-daemon.ts';

const limitMs = 180_000;
const workshop = new Workshop();
const [metaPort, firstPort, secondPort] = [31_100, 31_200, 31_300];
const dataPorts = [firstPort, secondPort];
const at = (port: number, offset: number) => `127.0.0.1:${port + offset}`;
const [secret, usersSecret] = ['of nodes', 'of users'];
const environment = { INFLUXDB_META_AUTH_ENABLED: 'true', INFLUXDB_META_LDAP_ALLOWED: 'true', INFLUXDB_META_SHARED_SECRET: usersSecret, INFLUXDB_META_INTERNAL_SHARED_SECRET: secret, INFLUXDB_META_META_AUTH_ENABLED: 'true', INFLUXDB_META_META_INTERNAL_SHARED_SECRET: secret }; // prettier-ignore
const group = (name: string, ...uniqueMember: readonly string[]) => ({ dn: `ou=${name},ou=groups`, attributes: { objectClass: ['groupOfUniqueNames'], ou: [name], uniqueMember } }); // prettier-ignore
const user = (name: string) => ({ dn: `uid=${name},ou=people`, attributes: { uid: [name] }, password: `${name} word` }); // prettier-ignore
const daemons: LoneDaemon[] = [];
let server: LdapServer;

beforeAll(async () => {
  server = await LdapServer.open([
    { dn: 'cn=reader', attributes: {}, password: 'reader word' },
    ...['ann', 'bob', 'eve', 'root'].map(user),
    group('influx-admins', 'uid=ann,ou=people'),
    group('devs', 'uid=bob,ou=people'),
  ]);
  workshop.keygen('key');
  workshop.issue('good.json', '--days', '2', '--data-nodes', '9');
  const more = `  auth-enabled = true\n  shared-secret = "${usersSecret}"\n`;
  Object.assign(process.env, environment);
  daemons.push(workshop.start('influxd-meta', '-config', workshop.config({ port: metaPort, name: `m${metaPort}`, more }))); // prettier-ignore
  for (const port of dataPorts)
    daemons.push(workshop.start('influxd', '-config', workshop.config({ port, name: `d${port}`, more }))); // prettier-ignore
  for (const url of [at(metaPort, 91), ...dataPorts.map((port) => at(port, 86))])
    await eventually(() => fetch(`http://${url}/ping`), 30_000);
  expect((await asNode('add-meta', at(metaPort, 91))).out).toMatch(/^Added meta node/);
  for (const port of dataPorts) expect((await asNode('add-data', at(port, 88))).out).toMatch(/^Added data node/); // prettier-ignore
}, limitMs);
afterAll(async () => {
  for (const name of Object.keys(environment)) Reflect.deleteProperty(process.env, name);
  await workshop.close();
  server.close();
}, limitMs);

/** The test serves LDAP meanwhile. */
async function ctl(
  ...args: readonly string[]
): Promise<{ readonly code: number | null; readonly out: string }> {
  // prettier-ignore
  const child = spawn(join(import.meta.dirname, '../../bin/influxd-ctl'), ['-bind', at(metaPort, 91), '-timeout', '30s', ...args]); // prettier-ignore
  let out = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (part: Buffer) => (out += part.toString())); // prettier-ignore
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, out };
}

const asNode = (...args: readonly string[]) => ctl('-auth-type', 'jwt', '-secret', secret, ...args);

const basic = (name: string, password = `${name} word`) => `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`; // prettier-ignore

function bearer(username: string): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const text = `${part({ alg: 'HS256', typ: 'JWT' })}.${part({ username, exp: Math.floor(Date.now() / 1_000) + 60 })}`; // prettier-ignore
  return `Bearer ${text}.${createHmac('sha256', usersSecret).update(text).digest('base64url')}`;
}

async function query(port: number, authorization: string, q: string): Promise<string> {
  const headers = authorization === '' ? {} : { authorization };
  const answer = await fetch(`http://${at(port, 86)}/query`, { method: 'POST', body: new URLSearchParams({ q }), headers }); // prettier-ignore
  return `${answer.status} ${(await answer.text()).trim()}`;
}

async function write(port: number, authorization: string): Promise<number> {
  const answer = await fetch(`http://${at(port, 86)}/write?db=d`, { method: 'POST', body: 'm v=1 1', headers: { authorization } }); // prettier-ignore
  await answer.text();
  return answer.status;
}

function configFile(change: (text: string) => string = (text) => text): string {
  const path = workshop.path('ldap.toml');
  const { port } = server;
  const table = serverTable({ port, password: 'reader word', bases: ['ou=people'], adminGroup: 'influx-admins' }); // prettier-ignore
  writeFileSync(path, change(`enabled = true\n${table}`));
  return path;
}

const refusal = '401 {"error":"authorization failed"}';

test(
  'ldap: a configuration is tried and set; users are those of the server then, with the roles of their groups',
  async () => {
    await eventually(async () => {
      expect(await query(firstPort, '', "CREATE USER root WITH PASSWORD 'local' WITH ALL PRIVILEGES")).toMatch(/^200 /); // prettier-ignore
    }, 20_000);
    expect(await query(firstPort, basic('root', 'local'), 'CREATE DATABASE d WITH REPLICATION 2')).toMatch(/^200 (?!.*error)/); // prettier-ignore
    const role = { action: 'create', role: { name: 'rw', permissions: { d: ['ReadData', 'WriteData'] } } }; // prettier-ignore
    const made = await fetch(`http://${at(metaPort, 91)}/role`, { method: 'POST', headers: { authorization: basic('root', 'local') }, body: JSON.stringify(role) }); // prettier-ignore
    expect(made.status).toBe(200);
    const file = configFile();
    expect(await asNode('ldap', 'get-config')).toEqual({ code: 1, out: 'ldap: operation exited with error: no LDAP configuration is set\n' }); // prettier-ignore
    const tried = await asNode('ldap', 'verify', '-ldap-config', file, 'ann', 'ann word');
    expect(tried.code).toBe(0);
    expect(tried.out).toContain('admin: yes; roles: none\nann is authenticated\n');
    const wrong = await asNode('ldap', 'verify', '-ldap-config', file, 'ann', 'other word');
    expect(wrong).toMatchObject({ code: 1, out: expect.stringContaining('authentication of "ann" failed') as string }); // prettier-ignore
    expect(`${tried.out}${wrong.out}`).not.toContain(' word');
    expect(await asNode('ldap', 'set-config', file)).toEqual({ code: 0, out: 'LDAP configuration set: enabled, users are those of its servers from now on\n' }); // prettier-ignore
    for (const port of dataPorts)
      await eventually(async () => {
        expect(await query(port, basic('root', 'local'), 'SHOW DATABASES')).toBe(refusal);
      }, 10_000);
    for (const port of dataPorts) {
      for (const who of [basic('ann'), bearer('ann')]) expect(await query(port, who, 'SHOW USERS')).toMatch(/^200 (?!.*error)/); // prettier-ignore
      for (const who of [basic('bob'), bearer('bob')]) {
        expect(await write(port, who)).toBe(204);
        expect(await query(port, who, 'SELECT v FROM d..m')).toMatch(/^200 (?!.*error)/);
        expect(await query(port, who, 'CREATE DATABASE e')).toMatch(/^403 |error/);
      }
      // One of the server's that has no role, whoever of that name the cluster has.
      expect(await write(port, basic('root'))).toBe(403);
      expect(await query(port, basic('eve', ''), 'SHOW DATABASES')).toMatch(/^401/);
      expect(await query(port, basic('*', 'ann word'), 'SHOW DATABASES')).toBe(refusal);
      expect(await query(port, basic('ann', 'wrong'), 'SHOW DATABASES')).toBe(refusal);
      expect(await query(port, bearer('nobody'), 'SHOW DATABASES')).toBe('401 {"error":"user not found"}'); // prettier-ignore
    }
  },
  limitMs,
);

test(
  'ldap: meta nodes ask the server too; caches are purged and warmed from there',
  async () => {
    const as = (name: string, password: string, ...args: readonly string[]) => ctl('-auth-type', 'basic', '-user', name, '-pwd', password, ...args); // prettier-ignore
    expect((await as('ann', 'ann word', 'ldap', 'get-config')).out).toContain('bind-dn = "cn=reader"'); // prettier-ignore
    expect((await as('ann', 'ann word', 'ldap', 'get-config')).out).toContain('bind-password = "[REDACTED]"'); // prettier-ignore
    expect((await as('ann', 'ann word', 'ldap', 'get-config', '-with-passwords')).out).not.toContain('REDACTED'); // prettier-ignore
    expect(await as('root', 'local', 'show')).toMatchObject({ code: 1 });
    // As Kapacitor and Chronograf do, in the name of the nodes or of an admin.
    const asked = async (path: string) => {
      const answer = await fetch(`http://${at(metaPort, 91)}${path}`, { headers: { authorization: basic('ann') } }); // prettier-ignore
      return `${answer.status} ${(await answer.text()).trim()}`;
    };
    expect(await asked('/user?name=bob')).toBe('200 {"users":[{"name":"bob","permissions":{"d":["ReadData","WriteData"]}}]}'); // prettier-ignore
    expect(await asked('/user?name=nobody')).toBe('404 {"error":"user not found"}');
    const who = '/authorized?permission=NoPermissions&resource=_&name=bob&password=';
    expect(await asked(`${who}bob+word`)).toBe('200 ');
    expect(await asked(`${who}ann+word`)).toBe(refusal);
    expect(await asked('/ldap/v1/config')).toBe('200 {"structured":{"enabled":true}}');
    expect(await as('bob', 'bob word', 'ldap', 'get-config')).toMatchObject({ code: 1, out: expect.not.stringContaining('reader') as string }); // prettier-ignore
    server.asked.length = 0;
    expect(await query(firstPort, basic('ann'), 'SHOW DATABASES')).toMatch(/^200 /);
    expect(server.asked).toEqual([]);
    expect(await asNode('ldap', 'purge-cache')).toEqual({ code: 0, out: dataPorts.map((port) => `${at(port, 88)}: purged\n`).join('') }); // prettier-ignore
    expect(await query(firstPort, basic('ann'), 'SHOW DATABASES')).toMatch(/^200 /);
    expect(server.asked).toContain('bind uid=ann,ou=people');
    expect(await asNode('ldap', 'warm-cache')).toMatchObject({ code: 0 });
    await eventually(async () => {
      expect((await asNode('ldap', 'warm-cache', '-status')).out).toBe(dataPorts.map((port) => `${at(port, 88)}: done, 2 of 2 users\n`).join('')); // prettier-ignore
    }, 20_000);
    expect(await asNode('ldap', 'warm-cache', '-cancel')).toMatchObject({ code: 0 });
  },
  limitMs,
);

test(
  'ldap: a server that hangs holds up nobody who is known, and those who are not for its time alone',
  async () => {
    server.isHanging = true;
    const asked = Array.from({ length: 40 }, (_, i) => query(firstPort, basic('eve', `guess ${i}`), 'SHOW DATABASES')); // prettier-ignore
    expect(await query(firstPort, basic('ann'), 'SHOW DATABASES')).toMatch(/^200 /);
    expect((await fetch(`http://${at(firstPort, 86)}/ping`)).status).toBe(204);
    expect(new Set(await Promise.all(asked))).toEqual(new Set(['500 {"error":"no LDAP server answers"}'])); // prettier-ignore
    server.isHanging = false;
    await eventually(async () => {
      expect(await query(firstPort, basic('eve'), 'SHOW DATABASES')).toMatch(/^200 /);
    }, 20_000);
  },
  limitMs,
);

test(
  'ldap: once it is not enabled users are those of the cluster; what is wrong is not set, and no log has a password',
  async () => {
    const wrong = await asNode('ldap', 'set-config', configFile((text) => text.replace('(uid=%s)', '(uid=*)'))); // prettier-ignore
    expect(wrong).toEqual({ code: 1, out: 'ldap: ldap config: servers[0]: search-filter must contain %s\n' }); // prettier-ignore
    const off = configFile((text) => text.replace('enabled = true', 'enabled = false'));
    expect(await asNode('ldap', 'set-config', off)).toEqual({ code: 0, out: 'LDAP configuration set: not enabled\n' }); // prettier-ignore
    for (const port of dataPorts)
      await eventually(async () => {
        expect(await query(port, basic('root', 'local'), 'SHOW DATABASES')).toMatch(/^200 /);
      }, 10_000);
    expect(await query(firstPort, basic('ann'), 'SHOW DATABASES')).toBe(refusal);
    for (const { output } of daemons) expect(output).not.toMatch(/ word|guess/);
  },
  limitMs,
);
