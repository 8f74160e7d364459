import { expect, test } from 'vitest';
import { principalOf } from '../../data/statements/principal.ts';
import { ldapUser } from '../../ldap/ldap-principal.ts';
import { ldapUserNamed, ldapUserOfPassword } from './ldap-access.ts';

const roles = [
  {
    name: 'rw',
    permissions: [{ scope: 'd', permissions: ['ReadData', 'WriteData'] as const }],
    users: [],
  },
  {
    name: 'local',
    permissions: [{ scope: '', permissions: ['ViewAdmin'] as const }],
    users: ['ann'],
  },
];
const rule = {
  id: '0123456789abcdef',
  database: { match: 'exact', value: 'd' },
  tags: [],
  permissions: ['read'],
} as const;
const acl = {
  restrictions: [rule],
  grants: [{ ...rule, id: '1123456789abcdef', users: ['ann'], roles: [] }],
};

test('ldap access: roles of the groups alone, whatever a user of that name has in the cluster', () => {
  const of = (names: readonly string[], isAdmin = false) => {
    const { user, rights } = ldapUser('ann', { isAdmin, roles: names }, { roles, acl });
    return principalOf(user, rights);
  };
  expect([of(['rw']).may('write', 'd'), of(['rw']).may('write', 'e')]).toEqual([true, false]);
  expect([of([]).may('read', 'd'), of(['gone']).may('read', 'd')]).toEqual([false, false]);
  expect(of(['rw']).holds('ViewAdmin', '')).toBe(false);
  expect(of([], true).isAdmin).toBe(true);
  // What was granted to a user of that name is not theirs.
  expect(of(['rw']).rules('read', 'd')).toBeDefined();
});

test('ldap access: a role that is taken away while a server is asked gives nothing any more', async () => {
  const credentials = { kind: 'password', name: 'ann', password: 'p' } as const;
  const catalog = { now: { roles, acl } as Parameters<typeof ldapUser>[2] };
  const answer = () => {
    catalog.now = { roles: [], acl: undefined };
    return Promise.resolve({ isAdmin: false, roles: ['rw'] });
  };
  const users = { authenticate: answer, identify: answer };
  for (const ask of [
    () => ldapUserOfPassword(credentials, () => catalog.now, users),
    () => ldapUserNamed('ann', () => catalog.now, users),
  ]) {
    catalog.now = { roles, acl };
    const { user, rights } = await ask();
    expect(principalOf(user, rights).may('read', 'd')).toBe(false);
  }
});
