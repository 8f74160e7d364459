/**
 * Users and what they may do (spec 3.4, 6.2), with the reference's texts.
 *
 * Invariants:
 * - Names are unique; users stay in the order they were made, as SHOW USERS lists them.
 * - Passwords are never here: a command has the hash that a node made of one.
 * - A catalog without users has no list of them, so that one of an older release reads the same.
 */
import { DbError } from '../../base/errors.ts';
import { findDatabase, type Catalog, type GrantedPrivilege, type User } from '../model/catalog.ts';
import { withoutGrantsOf } from '../model/catalog-acl.ts';
import { withoutRolesOf, withoutScope } from '../model/permissions.ts';
import type { Command } from '../command/command.ts';

export type UserCommand = Extract<
  Command,
  {
    kind:
      | 'create-user'
      | 'drop-user'
      | 'set-user-hash'
      | 'set-user-admin'
      | 'set-user-privilege'
      | 'revoke-user-privilege';
  }
>;

/** Whoever makes up names gets no further than this. */
const usersMax = 10_000;

export function applyUserCommand(catalog: Catalog, command: UserCommand): Catalog {
  const users = catalog.users ?? [];
  if (command.kind === 'create-user') {
    const { name, hash, isAdmin } = command;
    if (name === '') throw new DbError('invalid_argument', 'username required');
    if (users.some((user) => user.name === name))
      throw new DbError('already_exists', 'user already exists');
    if (users.length >= usersMax)
      throw new DbError('limit_exceeded', `more than ${usersMax} users`);
    return withUsers(catalog, [...users, { name, hash, isAdmin, privileges: [] }]);
  }
  const user = mustFindUser(catalog, command.name);
  const changed = (next: User): Catalog =>
    withUsers(
      catalog,
      users.map((one) => (one === user ? next : one)),
    );
  switch (command.kind) {
    case 'drop-user':
      return withUsers(
        withoutGrantsOf(withoutRolesOf(catalog, user.name), 'users', user.name),
        users.filter((one) => one !== user),
      );
    case 'set-user-hash':
      return changed({ ...user, hash: command.hash });
    case 'set-user-admin':
      // Whoever is an admin no more may do nothing to the cluster.
      return changed({ ...withoutScope(user, ''), isAdmin: command.isAdmin });
    case 'set-user-privilege':
    case 'revoke-user-privilege': {
      const { database } = command;
      if (findDatabase(catalog, database) === undefined)
        throw new DbError('database_not_found', `database not found: ${database}`);
      const privilege = command.kind === 'set-user-privilege' ? command.privilege : lessThan(privilegeOf(user, database), command.privilege); // prettier-ignore
      const others = user.privileges.filter((one) => one.database !== database);
      return changed({ ...user, privileges: [...others, { database, privilege }] });
    }
  }
}

/** Throws the reference's text. */
export function mustFindUser(catalog: Catalog, name: string): User {
  const user = catalog.users?.find((one) => one.name === name);
  if (user === undefined) throw new DbError('not_found', 'user not found');
  return user;
}

/** What InfluxQL has granted to a user on a database. */
export function privilegeOf({ privileges }: User, database: string): GrantedPrivilege {
  return privileges.find((one) => one.database === database)?.privilege ?? 'NO PRIVILEGES';
}

/** Reading and writing are taken one by one from what was granted together. */
export function lessThan(granted: GrantedPrivilege, revoked: GrantedPrivilege): GrantedPrivilege {
  if (revoked === 'ALL PRIVILEGES' || granted === revoked) return 'NO PRIVILEGES';
  if (granted !== 'ALL PRIVILEGES') return granted;
  return revoked === 'READ' ? 'WRITE' : 'READ';
}

function withUsers(catalog: Catalog, users: readonly User[]): Catalog {
  return { ...catalog, users: users.length === 0 ? undefined : users };
}
