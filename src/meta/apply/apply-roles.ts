/**
 * Permissions of users, and roles, as the API of the meta nodes changes them (spec 3.4), with the reference's texts.
 *
 * Invariants:
 * - Permissions are of the whole cluster or of a database that is there, and one of the cluster is on no database.
 * - A role names users that are there, each once; one that goes is taken out of its roles, and a role that goes leaves them.
 * - A catalog without roles has no list of them.
 */
import { clusterPermissions } from '../../base/permission.ts';
import { DbError } from '../../base/errors.ts';
import { findDatabase, type Catalog, type Role, type ScopedPermissions } from '../model/catalog.ts';
import { withoutGrantsOf } from '../model/catalog-acl.ts';
import { granted, permissionsOf, revoked, withPermissions } from '../model/permissions.ts';
import type { Command } from '../command/command.ts';
import { applyUserCommand, mustFindUser } from './apply-users.ts';

export type RoleCommand = Extract<
  Command,
  {
    kind:
      | 'create-permitted-user'
      | 'change-user-permissions'
      | 'create-role'
      | 'drop-role'
      | 'change-role-permissions'
      | 'change-role-users';
  }
>;

/** Whoever makes up names gets no further than this. */
const rolesMax = 1_000;

export function applyRoleCommand(catalog: Catalog, command: RoleCommand): Catalog {
  switch (command.kind) {
    case 'create-permitted-user': {
      const { name, hash, permissions } = command;
      checkScopes(catalog, permissions);
      const made = applyUserCommand(catalog, { kind: 'create-user', name, hash, isAdmin: false });
      return withUserPermissions(made, name, permissions);
    }
    case 'change-user-permissions': {
      const { name, permissions, isGrant } = command;
      const before = permissionsOf(mustFindUser(catalog, name));
      if (isGrant) checkScopes(catalog, permissions);
      const change = isGrant ? granted : revoked;
      return withUserPermissions(catalog, name, change(before, permissions));
    }
    case 'create-role':
      return createRole(catalog, command);
    case 'drop-role': {
      const { name } = mustFindRole(catalog, command.name);
      return withRoles(
        withoutGrantsOf(catalog, 'roles', name),
        rolesOf(catalog).filter((role) => role.name !== name),
      );
    }
    case 'change-role-permissions': {
      const { permissions, isGrant } = command;
      if (isGrant) checkScopes(catalog, permissions);
      const change = isGrant ? granted : revoked;
      return withRole(catalog, command.name, (role) => {
        return { ...role, permissions: change(role.permissions, permissions) };
      });
    }
    case 'change-role-users': {
      const { users, isAdded } = command;
      if (isAdded) for (const user of users) mustFindUser(catalog, user);
      return withRole(catalog, command.name, (role) => {
        const others = role.users.filter((user) => !users.includes(user));
        return { ...role, users: isAdded ? [...others, ...new Set(users)] : others };
      });
    }
  }
}

function createRole(
  catalog: Catalog,
  { name, permissions, users }: Extract<RoleCommand, { kind: 'create-role' }>,
): Catalog {
  const roles = rolesOf(catalog);
  if (name === '') throw new DbError('invalid_argument', 'role name required');
  if (roles.some((role) => role.name === name))
    throw new DbError('already_exists', 'role already exists');
  if (roles.length >= rolesMax) throw new DbError('limit_exceeded', `more than ${rolesMax} roles`);
  checkScopes(catalog, permissions);
  for (const user of users) mustFindUser(catalog, user);
  const role: Role = { name, permissions: granted([], permissions), users: [...new Set(users)] };
  return withRoles(catalog, [...roles, role]);
}

/** Throws the reference's text. */
export function mustFindRole(catalog: Catalog, name: string): Role {
  const role = rolesOf(catalog).find((one) => one.name === name);
  if (role === undefined) throw new DbError('not_found', 'role not found');
  return role;
}

function checkScopes(catalog: Catalog, scoped: readonly ScopedPermissions[]): void {
  for (const { scope, permissions } of scoped) {
    if (scope === '') continue;
    if (findDatabase(catalog, scope) === undefined)
      throw new DbError('database_not_found', `database not found: ${scope}`);
    const wrong = permissions.find((one) => clusterPermissions.has(one));
    if (wrong !== undefined)
      throw new DbError('invalid_argument', `permission ${wrong} is of the whole cluster, not of a database`); // prettier-ignore
  }
}

function withUserPermissions(
  catalog: Catalog,
  name: string,
  permissions: readonly ScopedPermissions[],
): Catalog {
  const users = (catalog.users ?? []).map((user) =>
    user.name === name ? withPermissions(user, permissions) : user,
  );
  return { ...catalog, users };
}

function withRole(catalog: Catalog, name: string, change: (role: Role) => Role): Catalog {
  const found = mustFindRole(catalog, name);
  return withRoles(
    catalog,
    rolesOf(catalog).map((role) => (role === found ? change(role) : role)),
  );
}

function rolesOf({ roles = [] }: Catalog): readonly Role[] {
  return roles;
}

function withRoles({ roles: _, ...catalog }: Catalog, roles: readonly Role[]): Catalog {
  return roles.length === 0 ? catalog : { ...catalog, roles };
}
