import { fastify } from 'fastify';
import { expect, test } from 'vitest';
import { DbError } from '../../../base/errors.ts';
import { principalOf } from '../../../data/statements/principal.ts';
import type { DataApiPorts } from '../data-api-options.ts';
import { openAccess, type AccessOptions } from './access-options.ts';
import { addGate, whoAsks } from './gate.ts';

const users = [
  { name: 'root', hash: 'hash of r', isAdmin: true, privileges: [] },
  { name: 'ann', hash: 'hash of a', isAdmin: false, privileges: [] },
];

const profiles = ['/debug/pprof/', '/debug/pprof/heap', '/debug/pprof/all', '/debug/vars', '/debug/requests']; // prettier-ignore
const shards = ['/shard-status', '/shard-repair/status', '/shard-repair/repair?id=1'];
const refusal = '403 {"error":"error authorizing admin access"}';

/** The gate before routes that say who asks. */
function open(
  known: typeof users,
  options: Partial<AccessOptions> = {},
  ldap?: DataApiPorts['ldap'],
  settleCatalog?: DataApiPorts['settleCatalog'],
) {
  const api = fastify();
  const jobs = {
    run: (_kind: string, { password, hash }: { password: string; hash: string }) =>
      Promise.resolve(hash === `hash of ${password}`),
  };
  const ports = {
    jobs,
    random: { u32: () => 1, f64: () => 0 },
    clock: { wallNs: () => 0n },
    log: { info: () => undefined },
    executor: { catalog: { users: known } },
    ldap,
    settleCatalog,
  } as unknown as DataApiPorts;
  addGate(api, {
    ports,
    access: { ...openAccess, isEnabled: true, ...options },
    counters: { add: () => undefined },
    // As with anti-entropy off: that there is nothing is no more for everybody.
    isServed: ({ url }) => !url.startsWith('/shard-'),
  });
  for (const url of ['/query', '/debug/*', ...shards.map((one) => one.replace(/\?.*/, ''))])
    api.all(url, (request) => whoAsks(request).name);
  const ask = async (url: string, login?: string): Promise<string> => {
    const headers = login === undefined ? {} : { authorization: `Basic ${btoa(login)}` };
    const { statusCode, body } = await api.inject({ method: url.endsWith('repair') ? 'POST' : 'GET', url, headers }); // prettier-ignore
    return `${statusCode} ${body.trim()}`;
  };
  return ask;
}

test('gate: shards and their repairs are for admins, and statements for every user', async () => {
  const ask = open(users);
  expect(principalOf(users[1] as (typeof users)[1]).isAdmin).toBe(false);
  expect(await ask('/query', 'ann:a')).toBe('200 ann');
  for (const url of shards) {
    expect(await ask(url)).toContain('401');
    expect(await ask(url, 'ann:a')).toBe(refusal);
    expect(await ask(url, 'root:x')).toContain('401');
    expect(await ask(url, 'root:r')).toBe('200 root');
  }
});

test('gate: before there is an admin nobody sees shards or repairs them', async () => {
  const ask = open([]);
  expect(await ask('/query')).toBe('200 ');
  for (const url of shards) expect(await ask(url)).toBe(refusal);
});

test('gate: a node that has not heard of the first admin asks the metas before anybody may make one', async () => {
  const known: typeof users = [];
  let isDown = true;
  const settle = (): Promise<void> => {
    if (isDown) return Promise.reject(new DbError('unavailable', 'meta service unavailable'));
    known.push(...users);
    return Promise.resolve();
  };
  const ask = open(known, {}, undefined, settle);
  expect(await ask('/query')).toBe('500 {"error":"meta service unavailable"}');
  isDown = false;
  expect(await ask('/query')).toBe('401 {"error":"unable to parse authentication credentials"}');
  expect(await ask('/query', 'root:r')).toBe('200 root');
});

test('gate: profiles are for anyone, or with pprof-auth-enabled for admins', async () => {
  const [free, guarded] = [open(users), open(users, { guardsProfiles: true })];
  for (const url of profiles) {
    expect(await free(url)).toBe('200 ');
    expect(await guarded(url)).toContain('401');
    expect(await guarded(url, 'ann:a')).toBe(refusal);
    expect(await guarded(url, 'root:r')).toBe('200 root');
  }
});

test('gate: where LDAP is enabled its users alone come in, though there is no admin, and nobody where no server answers', async () => {
  const isDown = { value: false };
  const ldap: DataApiPorts['ldap'] = {
    isEnabled: true,
    authenticate: (name, password) => {
      if (isDown.value) return Promise.reject(new DbError('unavailable', 'ldap: 10.0.0.7:389: i/o timeout')); // prettier-ignore
      const isRight = name === 'ann' && password === 'of ldap';
      return Promise.resolve(isRight ? { isAdmin: true, roles: [] } : undefined);
    },
    identify: () => Promise.resolve(undefined),
  };
  for (const known of [users, []]) {
    isDown.value = false;
    const ask = open(known, {}, ldap);
    expect(await ask('/query')).toBe('401 {"error":"unable to parse authentication credentials"}');
    for (const login of ['root:r', 'ann:a', 'ann:']) expect(await ask('/query', login)).toContain('401'); // prettier-ignore
    expect(await ask('/query', 'ann:of ldap')).toBe('200 ann');
    expect(await ask(shards[0] ?? '', 'ann:of ldap')).toBe('200 ann');
    isDown.value = true;
    expect(await ask('/query', 'ann:of ldap')).toBe('500 {"error":"no LDAP server answers"}');
  }
});
