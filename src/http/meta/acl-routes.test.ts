import { expect, test } from 'vitest';
import { openUserApi } from '../../../test/support/user-api.ts';
import { addAclRoutes } from './acl-routes.ts';

const [restrictions, grants] = ['/influxdb/v2/acl/restrictions', '/influxdb/v2/acl/grants'];
const database = { match: 'exact', value: 'd' };
const both = ['read', 'write'];

function open() {
  const api = openUserApi(addAclRoutes);
  void api.execute({ kind: 'create-user', name: 'u', hash: 'h', isAdmin: false });
  void api.execute({ kind: 'create-role', name: 'r', permissions: [], users: ['u'] });
  return api;
}

test('acl: restrictions and grants are made, shown and deleted', async () => {
  const { ask, get, catalog } = open();
  expect(await get(restrictions)).toEqual({ restrictions: [] });
  const restriction = { database, measurement: { match: 'prefix', value: 'net' }, tags: [{ match: 'exact', key: 'dc', value: 'east' }], permissions: both }; // prettier-ignore
  const [made, first] = await ask('POST', restrictions, restriction);
  expect([made, first]).toEqual([200, { id: expect.stringMatching(/^[0-9a-f]{16}$/) as string, ...restriction }]); // prettier-ignore
  const grant = { database, permissions: ['read'], users: [{ name: 'u' }], roles: [{ name: 'r' }] };
  const [, second] = await ask('POST', grants, grant);
  expect(await get(restrictions)).toEqual({ restrictions: [first] });
  expect(await get(grants)).toEqual({ grants: [{ id: expect.any(String) as string, ...grant }] });
  const [{ id: firstId }, { id: secondId }] = [first, second] as [{ id: string }, { id: string }];
  expect(await get(`${restrictions}/${firstId}`)).toEqual(first);
  expect(await get(`${grants}/${firstId}`)).toBe(`404 {"error":"grant not found: ${firstId}"}`);
  expect(await ask('DELETE', `${grants}/${firstId}`)).toEqual([404, { error: `grant not found: ${firstId}` }]); // prettier-ignore
  expect(await ask('DELETE', `${restrictions}/${firstId}`)).toEqual([204, undefined]);
  expect(await ask('DELETE', `${grants}/${secondId}`)).toEqual([204, undefined]);
  expect('acl' in catalog()).toBe(false);
});

test.each([
  [restrictions, 'not JSON', 'the body is not valid JSON'],
  [restrictions, {}, 'database required'],
  [restrictions, [], 'database required'],
  [restrictions, { database }, 'permissions required'],
  [restrictions, { database, permissions: [] }, 'permissions required: "read", "write" or both'],
  [
    restrictions,
    { database, permissions: ['read', 'read'] },
    'permissions required: "read", "write" or both',
  ],
  [restrictions, { database, permissions: ['admin'] }, 'invalid permission: admin'],
  [
    restrictions,
    { database: { match: 'regex', value: '.*' }, permissions: both },
    'database: match must be "exact" or "prefix"',
  ],
  [
    restrictions,
    { database: { match: 'exact', value: '' }, permissions: both },
    'database: value required',
  ],
  [
    restrictions,
    { database: { match: 'exact', value: 7 }, permissions: both },
    'database: value required',
  ],
  [
    restrictions,
    { database: { match: 'exact', value: 'x'.repeat(1_025) }, permissions: both },
    'database: value too long',
  ],
  [
    restrictions,
    { database, measurment: database, permissions: both },
    'restriction: unknown field "measurment"',
  ],
  [
    restrictions,
    { database, users: [{ name: 'u' }], permissions: both },
    'restriction: unknown field "users"',
  ],
  [
    restrictions,
    { database, tags: [{ match: 'exact', value: 'x' }], permissions: both },
    'tag key required',
  ],
  [
    restrictions,
    { database, tags: [{ match: 'exact', key: 'k', value: '' }], permissions: both },
    'tag k: value required',
  ],
  [
    restrictions,
    {
      database,
      tags: Array.from({ length: 17 }, () => ({ match: 'exact', key: 'k', value: 'v' })),
      permissions: both,
    },
    'more than 16 tags',
  ],
  [grants, { database, permissions: both }, 'users or roles required'],
  [grants, { database, permissions: both, users: ['u'] }, 'users must be objects with a name'],
  [grants, { database, permissions: both, users: [{ name: 'v' }] }, 'user not found'],
  [grants, { database, permissions: both, roles: [{ name: 's' }] }, 'role not found'],
])('acl: %s %j is refused', async (url, body, text) => {
  // prettier-ignore
  const { post, get } = open();
  expect(await post(url, body)).toBe(`400 ${text}`);
  expect([await get(restrictions), await get(grants)]).toEqual([{ restrictions: [] }, { grants: [] }]); // prettier-ignore
});

test('acl: a user, or a role, that goes takes what was granted along', async () => {
  const { ask, get, execute } = open();
  const grant = { database, permissions: both };
  await ask('POST', grants, { ...grant, users: [{ name: 'u' }], roles: [{ name: 'r' }] });
  await ask('POST', grants, { ...grant, users: [{ name: 'u' }] });
  await execute({ kind: 'drop-user', name: 'u' });
  expect(await get(grants)).toMatchObject({ grants: [{ roles: [{ name: 'r' }] }] });
  await execute({ kind: 'drop-role', name: 'r' });
  await execute({ kind: 'create-user', name: 'u', hash: 'h', isAdmin: false });
  expect(await get(grants)).toEqual({ grants: [] });
});

test('acl: there are a thousand restrictions at most', async () => {
  const { ask } = open();
  for (let i = 0; i < 1_000; i++)
    expect((await ask('POST', restrictions, { database, permissions: both }))[0]).toBe(200);
  expect(await ask('POST', restrictions, { database, permissions: both })).toEqual([500, { error: 'more than 1000 restrictions' }]); // prettier-ignore
});
