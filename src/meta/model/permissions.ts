/**
 * What users may do, and roles (spec F94, F95, 3.4). InfluxQL knows admins and what may be read and written; the rest of what
 * the API of the meta nodes grants is kept beside that.
 *
 * Invariants:
 * - One form for one set: all of the cluster's permissions are an admin, ReadData and WriteData of a database are its
 *   privilege, and `permissions` of a user has the rest, in the order of scopes and permissions.
 * - A role has all of its permissions in its own list.
 */
import { adminPermissions, permissions, type Permission } from '../../base/permission.ts';
import type { Catalog, GrantedPrivilege, Role, ScopedPermissions, User } from './catalog.ts';

/** '' is the whole cluster. */
type Scopes = ReadonlyMap<string, ReadonlySet<Permission>>;

/** All that a user has by themselves, without roles. */
export function permissionsOf({
  isAdmin,
  privileges,
  permissions: more = [],
}: User): readonly ScopedPermissions[] {
  const own = privileges.map(({ database, privilege }) => ({ scope: database, permissions: ofPrivilege(privilege) })); // prettier-ignore
  return listed(united([...(isAdmin ? [{ scope: '', permissions }] : []), ...own, ...more]));
}

/** The same user with exactly these. */
export function withPermissions(user: User, given: readonly ScopedPermissions[]): User {
  const scopes = new Map([...united(given)].map(([scope, set]) => [scope, new Set(set)]));
  const ofCluster = scopes.get('');
  const isAdmin = adminPermissions.every((one) => ofCluster?.has(one));
  if (isAdmin) scopes.delete('');
  const kept = user.privileges.map(({ database }) => database);
  const privileges = [...new Set([...kept, ...scopes.keys()])].flatMap((database) => {
    const set = scopes.get(database);
    const privilege = database === '' ? 'NO PRIVILEGES' : toPrivilege(set);
    if (database !== '') for (const one of ofPrivilege(privilege)) set?.delete(one);
    return privilege === 'NO PRIVILEGES' && !kept.includes(database) ? [] : [{ database, privilege }]; // prettier-ignore
  });
  const rest = listed(scopes);
  const { name, hash } = user;
  return { name, hash, isAdmin, privileges, ...(rest.length > 0 && { permissions: rest }) };
}

export function granted(
  before: readonly ScopedPermissions[],
  more: readonly ScopedPermissions[],
): readonly ScopedPermissions[] {
  return listed(united([...before, ...more]));
}

export function revoked(
  before: readonly ScopedPermissions[],
  less: readonly ScopedPermissions[],
): readonly ScopedPermissions[] {
  const taken = united(less);
  const left = before.map(({ scope, permissions: all }) => {
    return { scope, permissions: all.filter((one) => taken.get(scope)?.has(one) !== true) };
  });
  return listed(united(left));
}

/** What was granted on a database goes with it, from users and roles. */
export function withoutDatabase(catalog: Catalog, database: string): Catalog {
  const users = catalog.users?.map((user) => {
    const privileges = user.privileges.filter((one) => one.database !== database);
    return { ...withoutScope(user, database), privileges };
  });
  const roles = catalog.roles?.map((role): Role => {
    return { ...role, permissions: role.permissions.filter(({ scope }) => scope !== database) };
  });
  return { ...catalog, ...(users && { users }), ...(roles && { roles }) };
}

/** What stands beside admins and privileges, without that of one scope. */
export function withoutScope({ permissions: more = [], ...user }: User, scope: string): User {
  const left = more.filter((one) => one.scope !== scope);
  return left.length === 0 ? user : { ...user, permissions: left };
}

/** Whoever is gone has no roles. */
export function withoutRolesOf(catalog: Catalog, name: string): Catalog {
  const { roles } = catalog;
  if (roles === undefined) return catalog;
  const left = roles.map((role) => {
    return { ...role, users: role.users.filter((user) => user !== name) };
  });
  return { ...catalog, roles: left };
}

/** A user with what their roles add: who may do what is asked of this one. */
export function effectiveUser(user: User, roles: readonly Role[] = []): User {
  const own = roles.filter(({ users }) => users.includes(user.name));
  if (own.length === 0) return user;
  const all = own.flatMap((role) => role.permissions);
  return withPermissions(user, granted(permissionsOf(user), all));
}

/** Whether a user may, on a database or, where `database` is '', on the whole cluster: that is on each of its databases too. */
export function holds(user: User, permission: Permission, database: string): boolean {
  if (user.isAdmin) return true;
  return permissionsOf(user).some(({ scope, permissions: all }) => (scope === '' || scope === database) && all.includes(permission)); // prettier-ignore
}

function united(all: readonly ScopedPermissions[]): Scopes {
  const scopes = new Map<string, Set<Permission>>();
  for (const { scope, permissions: some } of all) {
    const set = scopes.get(scope) ?? new Set();
    scopes.set(scope, set);
    for (const one of some) set.add(one);
  }
  return scopes;
}

/** In order, so that equal sets are equal lists on every replica. */
function listed(scopes: Scopes): readonly ScopedPermissions[] {
  return [...scopes]
    .map(([scope, set]) => ({ scope, permissions: permissions.filter((one) => set.has(one)) }))
    .filter((one) => one.permissions.length > 0)
    .sort((a, b) => (a.scope < b.scope ? -1 : 1));
}

function ofPrivilege(privilege: GrantedPrivilege): readonly Permission[] {
  if (privilege === 'NO PRIVILEGES') return [];
  if (privilege === 'ALL PRIVILEGES') return ['ReadData', 'WriteData'];
  return privilege === 'READ' ? ['ReadData'] : ['WriteData'];
}

function toPrivilege(set: ReadonlySet<Permission> | undefined): GrantedPrivilege {
  const [reads, writes] = [set?.has('ReadData') === true, set?.has('WriteData') === true];
  if (reads && writes) return 'ALL PRIVILEGES';
  if (reads) return 'READ';
  return writes ? 'WRITE' : 'NO PRIVILEGES';
}
