import { createHmac } from 'node:crypto';
import fastify from 'fastify';
import { expect, test } from 'vitest';
import { signToken } from '../../rpc/json-web-token.ts';
import type { User } from '../../meta/model/catalog.ts';
import { PasswordChecks } from '../access/password-checks.ts';
import { addMetaGate } from './meta-gate.ts';

const nowMs = 1_700_000_000_000;
const [sharedSecret, internalSecret] = ['of users', 'of nodes'];
const admin = { name: 'root', hash: 'pw', isAdmin: true, privileges: [] };
const ops = { name: 'ops', hash: 'pw', isAdmin: false, privileges: [], permissions: [{ scope: '', permissions: ['AddRemoveNode'] }] } as const; // prettier-ignore
/** What they may they may by their role. */
const clerk = { name: 'clerk', hash: 'pw', isAdmin: false, privileges: [] };
const roles = [{ name: 'clerks', users: ['clerk'], permissions: [{ scope: '', permissions: ['CreateUserAndRole'] }, { scope: 'd', permissions: ['ReadData'] }] }] as const; // prettier-ignore
const bob = { name: 'bob', hash: 'pw', isAdmin: false, privileges: [] };

const noLdap = { isEnabled: false, authenticate: () => Promise.resolve(undefined), identify: () => Promise.resolve(undefined) }; // prettier-ignore
/** Knows ann, an admin, and eve, whose group has the role of clerks, each with the own name as password. */
const identities = new Map([['ann', { isAdmin: true, roles: [] }], ['eve', { isAdmin: false, roles: ['clerks'] }]]); // prettier-ignore
const someLdap: typeof noLdap = {
  isEnabled: true,
  authenticate: ((name: string, password: string) => Promise.resolve(password === name ? identities.get(name) : undefined)) as never,
  identify: ((name: string) => Promise.resolve(identities.get(name))) as never,
}; // prettier-ignore

/** What a request is answered; '200' where it comes to what it asks for. */
async function ask(
  address: string,
  authorization: string,
  {
    users = [admin, bob, ops, clerk] as readonly User[],
    secret = sharedSecret,
    ldap = noLdap,
  } = {},
): Promise<string> {
  const api = fastify();
  const jobs = { run: (_job: string, { password, hash }: { password: string; hash: string }) => Promise.resolve(password === hash) }; // prettier-ignore
  const random = { u32: () => 7 };
  const ports = {
    clock: { wallNs: () => BigInt(nowMs) * 1_000_000n },
    log: { info: () => undefined },
    node: { catalog: { users, roles } },
  };
  const passwords = new PasswordChecks(jobs as never, random as never);
  addMetaGate(api, ports as never, { passwords, sharedSecret: secret, internalSecret, ldap });
  const [method = '', url = ''] = address.split(' ');
  for (const path of [
    '/status',
    '/show-cluster',
    '/ping',
    '/backup-meta',
    '/user',
    '/debug/pprof/',
    '/nowhere',
  ])
    api.get(path, () => 'ok');
  for (const path of [
    '/add-data',
    '/status',
    '/user',
    '/role',
    '/remove-shard',
    '/copy-shard',
    '/rebalance',
    '/decommission',
  ])
    api.post(path, () => 'ok');
  const headers = authorization === '' ? {} : { authorization };
  const answer = await api.inject({ method: method as 'GET', url, headers });
  if (answer.statusCode === 200) return '200';
  expect(answer.headers['www-authenticate']).toBe(answer.statusCode === 401 ? 'Basic realm="InfluxDB"' : undefined); // prettier-ignore
  expect(answer.headers['x-influxdb-error'] === undefined).toBe(answer.statusCode === 401);
  return `${answer.statusCode} ${(JSON.parse(answer.body) as { error: string }).error}`;
}

const basic = (both: string) => `Basic ${Buffer.from(both).toString('base64')}`;
const bearer = (username: string, secret: string, seconds = 60) =>
  claiming({ exp: nowMs / 1_000 + seconds, username }, secret);
const node = (use: 'member' | 'join', nowS = nowMs / 1_000) =>
  `Bearer ${signToken(internalSecret, use, nowS)}`;
function claiming(claims: object, secret = sharedSecret): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const text = `${part({ alg: 'HS512', typ: 'JWT' })}.${part(claims)}`;
  return `Bearer ${text}.${createHmac('sha512', secret).update(text).digest('base64url')}`;
}

test.each([
  ['GET /status', '', '401 unable to parse authentication credentials'],
  ['GET /status', 'Bearer x', '401 token contains an invalid number of segments'],
  ['GET /status', basic(':pw'), '401 username required'],
  ['GET /status', basic('root:no'), '401 authorization failed'],
  ['GET /status', basic('nobody:pw'), '401 authorization failed'],
  ['GET /status', basic('root:pw'), '200'],
  ['GET /status', 'Token root:pw', '200'],
  ['GET /status?u=root&p=pw', '', '200'],
  ['POST /add-data', basic('root:pw'), '200'],
  ['GET /backup-meta', basic('root:pw'), '200'],
  ['GET /show-cluster', basic('bob:pw'), '200'],
  ['GET /ping', basic('bob:pw'), '200'],
  ['POST /add-data', basic('bob:pw'), '403 error authorizing admin access'],
  ['POST /status', basic('bob:pw'), '403 error authorizing admin access'],
  ['GET /backup-meta', basic('bob:pw'), '403 error authorizing admin access'],
  ['POST /add-data', basic('ops:pw'), '200'],
  ['POST /decommission', basic('ops:pw'), '200'],
  ['POST /user', basic('ops:pw'), '403 error authorizing admin access'],
  ['GET /user', basic('ops:pw'), '403 error authorizing admin access'],
  ['POST /remove-shard', basic('ops:pw'), '403 error authorizing admin access'],
  ['POST /copy-shard', basic('ops:pw'), '403 error authorizing admin access'],
  ['POST /rebalance', basic('ops:pw'), '403 error authorizing admin access'],
  ['POST /user', basic('clerk:pw'), '200'],
  ['POST /role', basic('clerk:pw'), '200'],
  ['GET /user', basic('clerk:pw'), '200'],
  ['GET /user', basic('bob:pw'), '403 error authorizing admin access'],
  ['POST /add-data', basic('clerk:pw'), '403 error authorizing admin access'],
  ['GET /backup-meta', basic('clerk:pw'), '403 error authorizing admin access'],
  ['GET /nowhere', '', '401 unable to parse authentication credentials'],
  ['GET /debug/pprof/', '', '200'],
  ['POST /add-data', bearer('root', sharedSecret), '200'],
  ['POST /add-data', bearer('bob', sharedSecret), '403 error authorizing admin access'],
  ['GET /status', bearer('nobody', sharedSecret), '401 user not found'],
  ['GET /status', bearer('root', internalSecret), '401 signature is invalid'],
  ['GET /status', bearer('root', sharedSecret, -60), '401 Token is expired'],
  ['GET /status', claiming({ username: 'root' }), '200'],
  ['GET /status', claiming({ username: 7 }), '401 username in token must be a string'],
  ['POST /add-data', bearer('', internalSecret), '200'],
  ['POST /add-data', bearer('', sharedSecret), '401 signature is invalid'],
  ['POST /add-data', node('member'), '200'],
  ['POST /add-data', node('member', nowMs / 1_000 - 3_600), '401 it has expired'],
  ['POST /add-data', node('join'), '401 it is for another use'],
  ['GET /show-cluster', node('join'), '401 it is for another use'],
  ['GET /status', node('join'), '200'],
])(
  'meta gate: %s is answered as the reference does, case %$',
  async (address, authorization, answer) => {
    expect(await ask(address, authorization)).toBe(answer);
  },
);

test('meta gate: until there is an admin only nodes come in, and without a secret no tokens of users', async () => {
  for (const users of [[], [bob]])
    for (const authorization of ['', basic('bob:pw'), bearer('bob', sharedSecret)])
      expect(await ask('GET /status', authorization, { users })).toBe('400 must create admin user first'); // prettier-ignore
  expect(await ask('POST /add-data', bearer('', internalSecret), { users: [] })).toBe('200');
  expect(await ask('GET /status', bearer('root', ''), { secret: '' })).toBe('401 bearer auth disabled'); // prettier-ignore
});

test('meta gate: where LDAP is enabled users are those of its servers, with the roles of their groups, and nodes come in as before', async () => {
  const ldap = someLdap;
  const failed = '401 unable to parse authentication credentials';
  for (const users of [[], [admin, bob, ops, clerk]]) {
    const asked = (address: string, authorization: string) => ask(address, authorization, { users, ldap }); // prettier-ignore
    expect(await asked('GET /user', '')).toBe(failed);
    expect(await asked('GET /user', basic('root:pw'))).toBe('401 authorization failed');
    expect(await asked('GET /user', basic('ann:x'))).toBe('401 authorization failed');
    expect(await asked('GET /user', bearer('root', sharedSecret))).toBe('401 user not found');
    for (const who of [basic('ann:ann'), bearer('ann', sharedSecret)]) expect(await asked('GET /backup-meta', who)).toBe('200'); // prettier-ignore
    for (const who of [basic('eve:eve'), bearer('eve', sharedSecret)]) {
      expect(await asked('POST /role', who)).toBe('200');
      expect(await asked('GET /backup-meta', who)).toBe('403 error authorizing admin access');
      expect(await asked('POST /add-data', who)).toBe('403 error authorizing admin access');
    }
    expect(await asked('GET /backup-meta', node('member'))).toBe('200');
  }
});
