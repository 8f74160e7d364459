import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually } from '../support/dev-cluster.ts';
import { run, Workshop, type Finished } from '../support/lone-daemon.ts';

const limitMs = 120_000;
const workshop = new Workshop();
const [firstPort, secondPort, dataPort] = [24_400, 24_500, 24_600];
const at = (port: number, offset: number) => `127.0.0.1:${port + offset}`;
const [sharedSecret, internalSecret] = ['of users', 'of nodes'];
const hasShell = spawnSync('influx', ['-version']).status === 0;

beforeAll(async () => {
  workshop.keygen('key');
  workshop.issue('good.json', '--days', '2', '--data-nodes', '9');
  // The sections of a meta node and of a data node: each passes over what it does not know.
  const more = `  auth-enabled = true
  shared-secret = "${sharedSecret}"
`;
  const secrets = { INFLUXDB_META_AUTH_ENABLED: 'true', INFLUXDB_META_SHARED_SECRET: sharedSecret, INFLUXDB_META_INTERNAL_SHARED_SECRET: internalSecret, INFLUXDB_META_META_AUTH_ENABLED: 'true', INFLUXDB_META_META_INTERNAL_SHARED_SECRET: internalSecret, INFLUXDB_META_PASSWORD_HASH: 'pbkdf2-sha256;rounds=2000', INFLUXDB_META_ENSURE_FIPS: 'true' }; // prettier-ignore
  Object.assign(process.env, secrets);
  for (const port of [firstPort, secondPort])
    workshop.start('influxd-meta', '-config', workshop.config({ port, name: `m${port}`, more }));
  workshop.start('influxd', '-config', workshop.config({ port: dataPort, name: 'd', more }));
  for (const name of Object.keys(secrets)) Reflect.deleteProperty(process.env, name);
  for (const url of [at(firstPort, 91), at(secondPort, 91), at(dataPort, 86)])
    await eventually(() => fetch(`http://${url}/ping`), 30_000);
}, limitMs);
afterAll(() => workshop.close(), limitMs);

function ctl(credentials: readonly string[], ...command: readonly string[]): Finished {
  return run('influxd-ctl', '-bind', at(firstPort, 91), '-timeout', '30s', ...credentials, ...command); // prettier-ignore
}

const ofNode = ['-auth-type', 'jwt', '-secret', internalSecret];
const basic = (user: string, password: string) => ['-auth-type', 'basic', '-user', user, '-pwd', password]; // prettier-ignore
const bearer = (user: string, secret: string) => ['-auth-type', 'jwt', '-user', user, '-secret', secret]; // prettier-ignore

async function query(q: string, [user, password]: readonly [string, string] = ['', '']) {
  const body = new URLSearchParams({ q });
  const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
  const headers = user === '' ? {} : { authorization };
  const answer = await fetch(`http://${at(dataPort, 86)}/query`, { method: 'POST', body, headers });
  return `${answer.status} ${await answer.text()}`;
}

test(
  'access: a meta node that asks and has no secret for its nodes does not start',
  () => {
    const path = workshop.config({ port: 24_700, name: 'blank' });
    process.env['INFLUXDB_META_AUTH_ENABLED'] = 'true';
    const { status, stderr } = run('influxd-meta', '-config', path);
    delete process.env['INFLUXDB_META_AUTH_ENABLED'];
    expect(status).toBe(1);
    expect(stderr).toContain('internal-shared-secret is blank and must be set in config when auth is enabled'); // prettier-ignore
  },
  limitMs,
);

test.each(['influxd', 'influxd-meta'] as const)(
  'access: %s that is to be ready for FIPS does not start with a hash that is not, or is unknown',
  (daemon) => {
    const startWith = (hash: string) => {
      const more = `  ensure-fips = true\n  password-hash = "${hash}"\n`;
      const path = workshop.config({ port: 24_700, name: 'fips' });
      writeFileSync(path, readFileSync(path, 'utf8').replace('[meta]\n', `[meta]\n${more}`));
      const { status, stderr } = run(daemon, '-config', path);
      return `${status} ${stderr.split('\n').find((line) => line.startsWith('run: '))}`;
    };
    expect(startWith('bcrypt')).toBe("1 run: create server: passwordhash: not FIPS-ready: config: 'bcrypt'"); // prettier-ignore
    expect(startWith('pbkdf2-sha512;rounds=999')).toBe("1 run: create server: passwordhash: not FIPS-ready: config: 'pbkdf2-sha512;rounds=999'"); // prettier-ignore
    expect(startWith('pbkdf2-sha1')).toBe('1 run: create server: passwordhash: invalid PasswordHasher option: Unrecognized PasswordHasher: pbkdf2-sha1'); // prettier-ignore
  },
  limitMs,
);

test(
  'access: a cluster is made by the secret of its nodes, then run by its users',
  async () => {
    const alone = ctl([], 'show');
    expect(alone).toMatchObject({ status: 1, stderr: 'show: operation exited with error: must create admin user first\n' }); // prettier-ignore
    for (const port of [firstPort, secondPort])
      expect(ctl(ofNode, 'add-meta', at(port, 91)).stdout).toMatch(/^Added meta node \d at /);
    expect(ctl(ofNode, 'add-data', at(dataPort, 88)).stdout).toMatch(/^Added data node 3 at /);
    await eventually(async () => {
      expect(await query("CREATE USER root WITH PASSWORD 'pw' WITH ALL PRIVILEGES")).toMatch(/^200 /); // prettier-ignore
    }, 20_000);
    const root = ['root', 'pw'] as const;
    expect(await query("CREATE USER bob WITH PASSWORD 'b'", root)).toMatch(/^200 .*"statement_id":0\}/); // prettier-ignore
    await eventually(() => {
      expect(ctl(basic('bob', 'b'), 'show').stdout).toContain('Data Nodes');
      return Promise.resolve();
    }, 10_000);
    expect(ctl(basic('root', 'pw'), 'show').stdout).toContain(at(dataPort, 88));
    expect(ctl(bearer('root', sharedSecret), 'truncate-shards').stdout).toBe('Truncated shards.\n'); // prettier-ignore
    expect(ctl([], 'show').stderr).toBe('Error: unable to parse authentication credentials.\n');
    expect(ctl(basic('root', 'no'), 'show').stderr).toBe('Error: authorization failed.\n');
    expect(ctl(bearer('root', internalSecret), 'show').stderr).toBe('Error: signature is invalid.\n'); // prettier-ignore
    expect(ctl(basic('bob', 'b'), 'remove-data', at(dataPort, 88))).toMatchObject({ status: 1, stderr: 'remove-data: operation exited with error: error authorizing admin access\n' }); // prettier-ignore
    const shards = async (method: string, path: string, user: string): Promise<number> => {
      const headers = user === '' ? {} : { authorization: `Basic ${btoa(user)}` };
      return (await fetch(`http://${at(dataPort, 86)}${path}`, { method, headers })).status;
    };
    for (const [user, read, repair] of [
      ['', 401, 401],
      ['bob:b', 403, 403],
      ['root:pw', 200, 404],
    ] as const) {
      // prettier-ignore
      expect(await shards('GET', '/shard-status', user)).toBe(read);
      expect(await shards('GET', '/%73hard-status', user)).toBe(404);
      // There is nothing to repair with: anti-entropy is off.
      expect(await shards('POST', '/shard-repair/repair?id=1', user)).toBe(repair);
    }
    // Asked at the one that does not lead, the credentials go along to the leader.
    const elsewhere = run('influxd-ctl', '-bind', at(secondPort, 91), ...basic('root', 'pw'), 'truncate-shards'); // prettier-ignore
    expect(elsewhere).toMatchObject({ status: 0, stdout: 'Truncated shards.\n' });
  },
  limitMs,
);

test.runIf(hasShell)(
  'access: the shell of the reference logs in, and is told when it may not',
  () => {
    const shell = (...more: readonly string[]) => {
      const address = ['-host', '127.0.0.1', '-port', String(dataPort + 86)];
      const { stdout, stderr } = spawnSync('influx', [...address, ...more], { encoding: 'utf8' });
      return stdout + stderr;
    };
    const as = (user: string, password: string, text: string) =>
      shell('-username', user, '-password', password, '-execute', text);
    as('root', 'pw', 'CREATE DATABASE d');
    expect(as('root', 'pw', 'SHOW DATABASES')).toMatch(/^d$/m);
    expect(as('root', 'pw', 'SHOW USERS')).toMatch(/^bob +false$/m);
    expect(as('bob', 'b', 'CREATE DATABASE no')).toContain("ERR: error authorizing query: bob not authorized to execute statement 'CREATE DATABASE no', requires admin privilege"); // prettier-ignore
    expect(as('root', 'no', 'SHOW DATABASES')).toContain('ERR: authorization failed');
    expect(shell('-execute', 'SHOW DATABASES')).toContain('ERR: unable to parse authentication credentials'); // prettier-ignore
  },
  limitMs,
);

/** As an operator does with curl --location-trusted: the leader is asked with the same body and credentials. */
async function metaApi(path: string, [user, password]: readonly [string, string], body?: object) {
  const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
  const ask = (url: string) =>
    fetch(url, {
      headers: { authorization },
      redirect: 'manual',
      ...(body !== undefined && { method: 'POST', body: JSON.stringify(body) }),
    });
  const first = await ask(`http://${at(secondPort, 91)}${path}`);
  const answer = first.status === 307 ? await ask(first.headers.get('location') ?? '') : first;
  return { status: answer.status, text: await answer.text() };
}

test(
  'access: users and roles of the meta API are those of the data nodes, with what they may and no more',
  async () => {
    const root = ['root', 'pw'] as const;
    const done = { status: 200, text: '' };
    expect(await metaApi('/user', root, { action: 'create', user: { name: 'ann', password: 'a', permissions: { d: ['ReadData'] } } })).toEqual(done); // prettier-ignore
    expect(await metaApi('/role', root, { action: 'create', role: { name: 'keepers', users: ['ann'], permissions: { '': ['ManageShard', 'AddRemoveNode'] } } })).toEqual(done); // prettier-ignore
    // A meta node that does not lead hears of it a moment later.
    await eventually(async () => {
      const shown = await metaApi('/role', root);
      expect(JSON.parse(shown.text)).toEqual({ roles: [{ name: 'keepers', permissions: { '': ['AddRemoveNode', 'ManageShard'] }, users: ['ann'] }] }); // prettier-ignore
    }, 10_000);
    const { users } = JSON.parse((await metaApi('/user?name=ann', root)).text) as { users: object[] }; // prettier-ignore
    expect(users).toEqual([{ name: 'ann', hash: expect.any(String) as string, permissions: { d: ['ReadData'] } }]); // prettier-ignore
    expect((await metaApi('/user', ['ann', 'a'])).status).toBe(403);
    // Whoever is made at a data node, and at a meta node, has a hash as password-hash says; one that is brought along stays.
    const ofReference = '$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW';
    expect(await metaApi('/user', root, { action: 'create', user: { name: 'old', hash: ofReference } })).toEqual(done); // prettier-ignore
    await eventually(async () => {
      const all = JSON.parse((await metaApi('/user', root)).text) as { users: { name: string; hash: string }[] }; // prettier-ignore
      const hashes = Object.fromEntries(all.users.map((user) => [user.name, user.hash]));
      for (const name of ['root', 'ann']) expect(hashes[name]).toMatch(/^\$pbkdf2-sha256\$2000\$/);
      expect(hashes['old']).toBe(ofReference);
      expect(await query('SHOW DATABASES', ['old', 'U*U'])).toMatch(/^200 /);
      expect(await query('SHOW DATABASES', ['old', 'U*V'])).toMatch(/^401 /);
    }, 10_000);
    const ann = ['ann', 'a'] as const;
    // A data node hears of it by itself.
    await eventually(async () => {
      expect(await query('SHOW SHARDS', ann)).toMatch(/^200 .*"series"/);
    }, 10_000);
    expect(await query('SELECT * FROM d.autogen.m', ann)).toMatch(/^200 /);
    expect(await query('DROP DATABASE d', ann)).toContain("403 {\"error\":\"error authorizing query: ann not authorized to execute statement 'DROP DATABASE d', requires admin privilege"); // prettier-ignore
    expect(ctl(basic('ann', 'a'), 'truncate-shards')).toMatchObject({ stdout: 'Truncated shards.\n' }); // prettier-ignore
    expect(ctl(basic('ann', 'a'), 'node-labels', 'set', '-nodeid', '3', '-labels', '{"az":"east"}').status).toBe(0); // prettier-ignore
    expect(ctl(basic('ann', 'a'), 'copy-shard', 'a:1', 'b:1', '1').stderr).toBe('copy-shard: operation exited with error: error authorizing admin access\n'); // prettier-ignore
    expect(await metaApi('/role', root, { action: 'remove-users', role: { name: 'keepers', users: ['ann'] } })).toEqual(done); // prettier-ignore
    await eventually(async () => {
      expect(await query('SHOW SHARDS', ann)).toMatch(/^403 /);
    }, 10_000);
    // A hash of an InfluxDB, of the password U*U: whoever has it comes in.
    const hash = '$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW';
    expect(await metaApi('/user', root, { action: 'change-password', user: { name: 'ann', hash } })).toEqual(done); // prettier-ignore
    await eventually(async () => {
      expect(await query('SHOW DATABASES', ['ann', 'U*U'])).toBe('200 {"results":[{"statement_id":0,"series":[{"name":"databases","columns":["name"],"values":[["d"]]}]}]}\n'); // prettier-ignore
    }, 10_000);
    expect(await metaApi('/user', root, { action: 'delete', user: { name: 'ann' } })).toEqual(done);
    await eventually(async () => {
      expect(await query('SHOW DATABASES', ['ann', 'U*U'])).toMatch(/^401 /);
    }, 10_000);
  },
  limitMs,
);
