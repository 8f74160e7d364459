import { expect, test } from 'vitest';
import { adminPermissions, permissions } from '../../base/permission.ts';
import type { Command } from '../command/command.ts';
import { emptyCatalog, type Catalog, type Role, type User } from '../model/catalog.ts';
import { effectiveUser, holds, permissionsOf } from '../model/permissions.ts';
import { decodeCatalog, encodeCatalog } from '../codec/catalog-codec.ts';
import { decodeLogged, encodeLogged } from '../codec/command-codec.ts';
import { applyCommand } from './apply.ts';

class Metas {
  catalog: Catalog = emptyCatalog;
  #index = 0;

  /** What is refused, or ''. Commands go through their bytes, as in the log. */
  do(command: Command): string {
    const logged = { id: `${++this.#index}`, command };
    const { catalog, answer } = applyCommand(this.catalog, this.#index, decodeLogged(encodeLogged(logged))); // prettier-ignore
    this.catalog = decodeCatalog(encodeCatalog(catalog));
    return answer.ok ? '' : answer.text;
  }

  get user(): User {
    const [user] = this.catalog.users ?? [];
    if (user === undefined) throw new Error('there is one');
    return user;
  }

  get role(): Role | undefined {
    return this.catalog.roles?.[0];
  }
}

function withUser(): Metas {
  const metas = new Metas();
  metas.do({ kind: 'create-database', name: 'd' });
  metas.do({ kind: 'create-permitted-user', name: 'u', hash: 'h', permissions: [{ scope: 'd', permissions: ['WriteData', 'DropData'] }] }); // prettier-ignore
  return metas;
}

test('permissions: reading and writing are privileges, and all of the cluster’s are an admin', () => {
  const metas = withUser();
  expect(metas.user).toEqual({
    name: 'u',
    hash: 'h',
    isAdmin: false,
    privileges: [{ database: 'd', privilege: 'WRITE' }],
    permissions: [{ scope: 'd', permissions: ['DropData'] }],
  });
  expect(permissionsOf(metas.user)).toEqual([{ scope: 'd', permissions: ['DropData', 'WriteData'] }]); // prettier-ignore
  const change = { kind: 'change-user-permissions', name: 'u' } as const;
  metas.do({ ...change, isGrant: true, permissions: [{ scope: 'd', permissions: ['ReadData'] }] });
  expect(metas.user.privileges).toEqual([{ database: 'd', privilege: 'ALL PRIVILEGES' }]);
  metas.do({ ...change, isGrant: false, permissions: [{ scope: 'd', permissions: ['ReadData', 'WriteData', 'DropData'] }] }); // prettier-ignore
  expect(metas.user).toEqual({ name: 'u', hash: 'h', isAdmin: false, privileges: [{ database: 'd', privilege: 'NO PRIVILEGES' }] }); // prettier-ignore
  metas.do({ ...change, isGrant: true, permissions: [{ scope: '', permissions: adminPermissions }] }); // prettier-ignore
  expect(metas.user.isAdmin).toBe(true);
  expect(permissionsOf(metas.user)).toEqual([{ scope: '', permissions }]);
  metas.do({ ...change, isGrant: false, permissions: [{ scope: '', permissions: ['CopyShard'] }] });
  expect(metas.user.isAdmin).toBe(false);
  expect(permissionsOf(metas.user)).toEqual([{ scope: '', permissions: permissions.filter((one) => one !== 'CopyShard') }]); // prettier-ignore
  metas.do({ kind: 'set-user-admin', name: 'u', isAdmin: false });
  expect(permissionsOf(metas.user)).toEqual([]);
});

test('permissions: those of a database go with it; what cannot be is refused and changes nothing', () => {
  const metas = withUser();
  metas.do({ kind: 'create-role', name: 'r', permissions: [{ scope: 'd', permissions: ['ReadData'] }], users: ['u'] }); // prettier-ignore
  const before = metas.catalog;
  const change = { kind: 'change-user-permissions', name: 'u', isGrant: true } as const;
  const refused: readonly (readonly [Command, string])[] = [
    [{ ...change, permissions: [{ scope: 'e', permissions: ['ReadData'] }] }, 'database not found: e'], // prettier-ignore
    [{ ...change, permissions: [{ scope: 'd', permissions: ['CopyShard'] }] }, 'permission CopyShard is of the whole cluster, not of a database'], // prettier-ignore
    [{ ...change, name: 'x', permissions: [] }, 'user not found'],
    [{ kind: 'create-permitted-user', name: 'u', hash: '', permissions: [] }, 'user already exists'], // prettier-ignore
    [{ kind: 'create-permitted-user', name: 'v', hash: '', permissions: [{ scope: 'e', permissions: ['ReadData'] }] }, 'database not found: e'], // prettier-ignore
    [{ kind: 'create-role', name: 'r', permissions: [], users: [] }, 'role already exists'],
    [{ kind: 'create-role', name: '', permissions: [], users: [] }, 'role name required'],
    [{ kind: 'create-role', name: 's', permissions: [], users: ['x'] }, 'user not found'],
    [{ kind: 'create-role', name: 's', permissions: [{ scope: 'd', permissions: ['CopyShard'] }], users: [] }, 'permission CopyShard is of the whole cluster, not of a database'], // prettier-ignore
    [{ kind: 'create-role', name: 's', permissions: [{ scope: 'e', permissions: ['ReadData'] }], users: [] }, 'database not found: e'], // prettier-ignore
    [{ kind: 'drop-role', name: 's' }, 'role not found'],
    [{ kind: 'change-role-users', name: 'r', users: ['x'], isAdded: true }, 'user not found'],
    [{ kind: 'change-role-users', name: 's', users: [], isAdded: false }, 'role not found'],
    [{ kind: 'change-role-permissions', name: 's', permissions: [], isGrant: false }, 'role not found'], // prettier-ignore
  ];
  for (const [command, text] of refused) {
    expect([command.kind, metas.do(command)]).toEqual([command.kind, text]);
    expect({ ...metas.catalog, index: 0, answered: [] }).toEqual({ ...before, index: 0, answered: [] }); // prettier-ignore
  }
  metas.do({ kind: 'drop-database', name: 'd' });
  expect(metas.user).toEqual({ name: 'u', hash: 'h', isAdmin: false, privileges: [] });
  expect(metas.role).toEqual({ name: 'r', permissions: [], users: ['u'] });
});

test('roles: what they allow their users have, as long as they are in it', () => {
  const metas = withUser();
  metas.do({ kind: 'create-permitted-user', name: 'v', hash: 'h', permissions: [] });
  metas.do({ kind: 'create-role', name: 'r', permissions: [{ scope: 'd', permissions: ['ReadData'] }], users: [] }); // prettier-ignore
  const may = (name: string, permission: (typeof permissions)[number], scope: string): boolean => {
    const user = metas.catalog.users?.find((one) => one.name === name);
    if (user === undefined) throw new Error('there is one');
    return holds(effectiveUser(user, metas.catalog.roles), permission, scope);
  };
  expect(may('u', 'ReadData', 'd')).toBe(false);
  metas.do({ kind: 'change-role-users', name: 'r', users: ['u', 'v', 'u'], isAdded: true });
  expect(metas.role?.users).toEqual(['u', 'v']);
  expect([may('u', 'ReadData', 'd'), may('u', 'WriteData', 'd'), may('v', 'WriteData', 'd')]).toEqual([true, true, false]); // prettier-ignore
  metas.do({ kind: 'change-role-permissions', name: 'r', permissions: [{ scope: '', permissions: ['ManageShard'] }], isGrant: true }); // prettier-ignore
  expect([may('v', 'ManageShard', ''), may('v', 'ManageShard', 'd'), may('v', 'CopyShard', '')]).toEqual([true, true, false]); // prettier-ignore
  // A database's permission is not the cluster's.
  expect([may('v', 'ReadData', ''), may('v', 'ReadData', 'e')]).toEqual([false, false]);
  metas.do({ kind: 'change-role-users', name: 'r', users: ['v'], isAdded: false });
  expect(may('v', 'ReadData', 'd')).toBe(false);
  metas.do({ kind: 'drop-user', name: 'u' });
  expect(metas.role?.users).toEqual([]);
  metas.do({ kind: 'drop-role', name: 'r' });
  expect(metas.catalog.roles).toBeUndefined();
  expect(metas.catalog.users?.map(({ name }) => name)).toEqual(['v']);
});

test('roles: one with all permissions of the cluster makes admins', () => {
  const metas = withUser();
  metas.do({ kind: 'create-role', name: 'all', permissions: [{ scope: '', permissions: adminPermissions }], users: ['u'] }); // prettier-ignore
  expect(metas.user.isAdmin).toBe(false);
  expect(effectiveUser(metas.user, metas.catalog.roles).isAdmin).toBe(true);
  expect(effectiveUser(metas.user).isAdmin).toBe(false);
});
