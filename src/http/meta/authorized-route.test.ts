import { expect, test } from 'vitest';
import { openUserApi } from '../../../test/support/user-api.ts';
import { DbError } from '../../base/errors.ts';
import { PasswordChecks } from '../access/password-checks.ts';
import { addAuthorizedRoute } from './authorized-route.ts';
import { addLdapRoutes } from './ldap-routes.ts';
import type { MetaIdentities } from './meta-gate.ts';
import { addUserRoutes } from './user-routes.ts';

/** What `openUserApi` makes of a password is its hash. */
const jobs = { run: (_job: string, { password, hash }: { password: string; hash: string }) => Promise.resolve(hash === `hash of ${password}`) }; // prettier-ignore
const passwords = new PasswordChecks(jobs as never, { u32: () => 7 } as never);
const noLdap = { isEnabled: false, authenticate: () => Promise.resolve(undefined), identify: () => Promise.resolve(undefined) }; // prettier-ignore
/** Knows eve, whose group has the role of writers, by the password `ldap`; asked for mallory its servers are silent. */
const eve = { isAdmin: false, roles: ['writers'] };
const someLdap = {
  isEnabled: true,
  authenticate: (name: string, password: string) =>
    Promise.resolve(name === 'eve' && password === 'ldap' ? eve : undefined),
  identify: (name: string) =>
    name === 'mallory'
      ? Promise.reject(new DbError('unavailable', 'ldap1:389: refused'))
      : Promise.resolve(name === 'eve' ? eve : undefined),
} as unknown as MetaIdentities['ldap'];

async function open(ldap: MetaIdentities['ldap'] = noLdap) {
  const api = openUserApi((routes, meta) => {
    const known = { ...meta, options: { ...meta.options, identities: { ldap, passwords } } };
    addAuthorizedRoute(routes, known);
    addUserRoutes(routes, known);
    addLdapRoutes(routes, known);
  });
  await api.post('/user', { action: 'create', user: { name: 'kap', password: 'pw', permissions: { '': ['KapacitorAPI'] } } }); // prettier-ignore
  await api.post('/user', { action: 'create', user: { name: 'eve', password: 'pw' } });
  await api.post('/role', { action: 'create', role: { name: 'writers' } });
  await api.post('/role', { action: 'add-permissions', role: { name: 'writers', permissions: { d: ['WriteData'] } } }); // prettier-ignore
  await api.post('/role', { action: 'add-users', role: { name: 'writers', users: ['kap'] } });
  return api;
}

/** As Kapacitor puts it, which has the permission decided by itself. */
const asked = (name: string, password: string, permission = 'NoPermissions', resource = '_') =>
  `/authorized?${new URLSearchParams({ name, password, permission, resource }).toString()}`;

test.each([
  [asked('kap', 'pw'), 200],
  [asked('kap', 'pw', ''), 200],
  [asked('kap', 'no'), '401 {"error":"authorization failed"}'],
  [asked('nobody', 'pw'), '401 {"error":"authorization failed"}'],
  [asked('', ''), '401 {"error":"username required"}'],
  [asked('kap', 'pw', 'KapacitorAPI', ''), 200],
  [asked('kap', 'pw', 'WriteData', 'd'), 200],
  [asked('kap', 'pw', 'WriteData', 'e'), '403 {"error":"user \\"kap\\" is not authorized"}'],
  [asked('kap', 'pw', 'ReadData', 'd'), '403 {"error":"user \\"kap\\" is not authorized"}'],
  [asked('kap', 'no', 'ReadData', 'd'), '401 {"error":"authorization failed"}'],
  [asked('kap', 'pw', 'Fly', 'd'), '400 {"error":"invalid permission: Fly"}'],
])('authorized: a user of the cluster, %s', async (url, answer) => {
  const [status, document] = await (await open()).ask('GET', url);
  expect(document === undefined ? status : `${status} ${JSON.stringify(document)}`).toBe(answer);
});

test('authorized: bytes of a password that are no UTF-8 are not those of another', async () => {
  const api = await open();
  await api.post('/user', { action: 'create', user: { name: 'odd', password: '\ufffd' } });
  const ask = async (password: string) => (await api.ask('GET', `/authorized?name=odd&permission=NoPermissions&resource=_&password=${password}`))[0]; // prettier-ignore
  expect([await ask('%EF%BF%BD'), await ask('%ff'), await ask('%fe')]).toEqual([200, 401, 401]);
});

test('authorized: with LDAP its servers say whose password it is, and a user has no hash and the permissions of the groups', async () => {
  const api = await open(someLdap);
  expect(await api.ask('GET', asked('eve', 'ldap', 'WriteData', 'd'))).toEqual([200, undefined]);
  expect(await api.ask('GET', asked('eve', 'pw'))).toMatchObject([401, {}]);
  expect(await api.ask('GET', asked('kap', 'pw'))).toMatchObject([401, {}]);
  expect(await api.get('/user?name=eve')).toEqual({ users: [{ name: 'eve', permissions: { d: ['WriteData'] } }] }); // prettier-ignore
  expect(await api.get('/user?name=kap')).toBe('404 {"error":"user not found"}');
  expect(await api.get('/user?name=mallory')).toBe('500 {"error":"no LDAP server answers"}');
  expect(await api.get('/user')).toMatchObject({ users: [{ name: 'kap' }, { name: 'eve' }] });
});

test('ldap/v1/config: Chronograf is told whether users are made elsewhere, and nothing of the servers', async () => {
  expect(await (await open()).get('/ldap/v1/config')).toEqual({ structured: { enabled: false } });
  expect(await (await open(someLdap)).get('/ldap/v1/config')).toEqual({ structured: { enabled: true } }); // prettier-ignore
});
