import { expect, test } from 'vitest';
import { adminPermissions, permissions } from '../../base/permission.ts';
import { openUserApi } from '../../../test/support/user-api.ts';
import { addUserRoutes } from './user-routes.ts';

const open = (leader = '') => openUserApi(addUserRoutes, leader);

test('users: made, shown, changed and deleted as the reference’s API has it', async () => {
  const { post, get } = open();
  expect(await get('/user')).toEqual({});
  const phantom = { name: 'phantom', password: 'p' };
  expect(await post('/user', { action: 'create', user: phantom })).toBe('200');
  expect(await get('/user')).toEqual({ users: [{ name: 'phantom', hash: 'hash of p' }] });
  const given = { d: ['ReadData', 'WriteData', 'ManageContnuousQuery'], '': ['Monitor'] };
  expect(await post('/user', { action: 'add-permissions', user: { name: 'phantom', permissions: given } })).toBe('200'); // prettier-ignore
  const shown = { '': ['Monitor'], d: ['ReadData', 'WriteData', 'ManageContinuousQuery'] };
  expect(await get('/user?name=phantom')).toEqual({ users: [{ name: 'phantom', hash: 'hash of p', permissions: shown }] }); // prettier-ignore
  expect(await post('/user', { action: 'remove-permissions', user: { name: 'phantom', permissions: { d: ['ReadData'] } } })).toBe('200'); // prettier-ignore
  expect(await post('/user', { action: 'change-password', user: { name: 'phantom', hash: '$2a$10$x' } })).toBe('200'); // prettier-ignore
  expect(await get('/user')).toEqual({ users: [{ name: 'phantom', hash: '$2a$10$x', permissions: { '': ['Monitor'], d: ['WriteData', 'ManageContinuousQuery'] } }] }); // prettier-ignore
  expect(await post('/user', { action: 'create', user: { name: 'root', password: 'r', permissions: { '': adminPermissions } } })).toBe('200'); // prettier-ignore
  expect(await get('/user?name=root')).toEqual({ users: [{ name: 'root', hash: 'hash of r', permissions: { '': permissions } }] }); // prettier-ignore
  expect(await post('/user', { action: 'delete', user: { name: 'phantom' } })).toBe('200');
  expect(await get('/user?name=phantom')).toBe('404 {"error":"user not found"}');
});

test('roles: made, shown, changed and deleted as the reference’s API has it', async () => {
  const { post, get } = open();
  expect(await get('/role')).toEqual({});
  await post('/user', { action: 'create', user: { name: 'phantom', password: 'p' } });
  expect(await post('/role', { action: 'create', role: { name: 'spectre' } })).toBe('200');
  expect(await get('/role')).toEqual({ roles: [{ name: 'spectre' }] });
  expect(await post('/role', { action: 'add-users', role: { name: 'spectre', users: ['phantom'] } })).toBe('200'); // prettier-ignore
  expect(await post('/role', { action: 'add-permissions', role: { name: 'spectre', permissions: { d: ['ReadData', 'WriteData'] } } })).toBe('200'); // prettier-ignore
  expect(await get('/role?name=spectre')).toEqual({ roles: [{ name: 'spectre', permissions: { d: ['ReadData', 'WriteData'] }, users: ['phantom'] }] }); // prettier-ignore
  expect(await post('/role', { action: 'remove-users', role: { name: 'spectre', users: ['phantom'] } })).toBe('200'); // prettier-ignore
  expect(await post('/role', { action: 'remove-permissions', role: { name: 'spectre', permissions: { d: ['ReadData', 'WriteData'] } } })).toBe('200'); // prettier-ignore
  expect(await get('/role')).toEqual({ roles: [{ name: 'spectre' }] });
  expect(await post('/role', { action: 'delete', role: { name: 'spectre' } })).toBe('200');
  expect(await get('/role?name=spectre')).toBe('404 {"error":"role not found"}');
  expect(await get('/user')).toMatchObject({ users: [{ name: 'phantom' }] });
});

test('users and roles: lists that are null are empty, as Chronograf sends them where it changes nothing', async () => {
  const { post, get } = open();
  await post('/user', { action: 'create', user: { name: 'anna', password: 'p', permissions: null } });
  await post('/role', { action: 'create', role: { name: 'devs', permissions: null, users: null } });
  await post('/role', { action: 'add-permissions', role: { name: 'devs', permissions: { d: ['ReadData', 'WriteData'] } } });
  // It took WriteData of d away, and found nothing to give there.
  expect(await post('/role', { action: 'remove-permissions', role: { name: 'devs', permissions: { d: ['WriteData'] } } })).toBe('200');
  expect(await post('/role', { action: 'add-permissions', role: { name: 'devs', permissions: { d: null } } })).toBe('200');
  expect(await post('/user', { action: 'add-permissions', user: { name: 'anna', permissions: { d: null, '': ['Monitor'] } } })).toBe('200');
  expect(await get('/role')).toEqual({ roles: [{ name: 'devs', permissions: { d: ['ReadData'] } }] });
  expect(await get('/user')).toMatchObject({ users: [{ permissions: { '': ['Monitor'] } }] });
}); // prettier-ignore

test.each([
  ['/user', 'x', 'the body is not valid JSON'],
  ['/user', '', 'the body is not valid JSON'],
  ['/user', 'null', 'invalid user'],
  ['/user', '[]', 'invalid user'],
  ['/user', { action: 'create' }, 'invalid user'],
  ['/user', { action: 'create', user: [] }, 'invalid user'],
  ['/user', { action: 'create', user: {} }, 'username required'],
  ['/user', { action: 'create', user: { name: 'x' } }, 'password or hash required'],
  ['/user', { action: 'change-password', user: { name: 'x' } }, 'password or hash required'],
  ['/user', { action: 'frob', user: { name: 'x' } }, 'invalid action: frob'],
  ['/user', { user: { name: 'x' } }, 'invalid action: '],
  ['/user', { action: 1, user: { name: 'x' } }, 'invalid action: '],
  ['/user', { action: 'delete', user: { name: 'x' } }, 'user not found'],
  [
    '/user',
    { action: 'delete', user: { name: 7 } },
    'name must be a text of at most 4096 characters',
  ],
  [
    '/user',
    { action: 'delete', user: { name: 'x'.repeat(5_000) } },
    'name must be a text of at most 4096 characters',
  ],
  [
    '/user',
    { action: 'add-permissions', user: { name: 'x', permissions: { d: ['Fly'] } } },
    'invalid permission: Fly',
  ],
  [
    '/user',
    { action: 'add-permissions', user: { name: 'x', permissions: { d: 'ReadData' } } },
    'permissions must be lists by database',
  ],
  [
    '/user',
    { action: 'add-permissions', user: { name: 'x', permissions: ['ReadData'] } },
    'permissions must be lists by database',
  ],
  [
    '/user',
    { action: 'create', user: { name: 'x', password: 'p', permissions: { e: ['ReadData'] } } },
    'database not found: e',
  ],
  [
    '/user',
    { action: 'create', user: { name: 'x', password: 'p', permissions: { d: ['AddRemoveNode'] } } },
    'permission AddRemoveNode is of the whole cluster, not of a database',
  ],
  ['/role', { action: 'create' }, 'invalid role'],
  ['/role', { action: 'create', role: {} }, 'role name required'],
  ['/role', { action: 'create', role: { name: 'r', users: 'x' } }, 'users must be a list of names'],
  ['/role', { action: 'create', role: { name: 'r', users: ['x'] } }, 'user not found'],
  ['/role', { action: 'change-password', role: { name: 'r' } }, 'invalid action: change-password'],
  ['/role', { action: 'delete', role: { name: 'r' } }, 'role not found'],
] as const)('users and roles: %s %j is refused', async (url, body, text) => {
  // prettier-ignore
  const { post, get } = open();
  expect(await post(url, body)).toBe(`400 ${text}`);
  expect([await get('/user'), await get('/role')]).toEqual([{}, {}]);
});

test('users and roles: whoever does not lead sends changes to the leader', async () => {
  const { post, get } = open('m2:8091');
  for (const [url, what] of [['/user', 'user'], ['/role', 'role']] as const) // prettier-ignore
    expect(await post(url, { action: 'delete', [what]: { name: 'x' } })).toBe(`307 http://m2:8091${url}`); // prettier-ignore
  expect(await get('/role')).toEqual({});
});
