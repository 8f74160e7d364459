import { isDbError } from '../../base/errors.ts';
import { newHash, type HashPorts } from '../../env/new-hash.ts';
import type { Statement } from '../../influxql/ast.ts';
import type { MetaAccess } from '../../meta/client/meta-access.ts';
import { lessThan, mustFindUser, privilegeOf } from '../../meta/apply/apply-users.ts';
import type { Catalog, User } from '../../meta/model/catalog.ts';
import type { Command } from '../../meta/command/command.ts';
import type { RowSeries } from '../../query/emit/result.ts';

export type UserStatement = Extract<
  Statement,
  {
    kind:
      | 'create-user'
      | 'drop-user'
      | 'set-password'
      | 'grant'
      | 'revoke'
      | 'grant-admin'
      | 'revoke-admin';
  }
>;

export interface UserPorts extends HashPorts {
  readonly meta: MetaAccess;
}

/** Statements that change users (spec 6.2). What they find the metas know: this node's catalog may be of a moment ago. */
export async function changeUsers(statement: UserStatement, ports: UserPorts): Promise<void> {
  const command = await commandOf(statement, ports);
  try {
    await ports.meta.execute(command);
  } catch (error) {
    if (statement.kind === 'create-user' && isDbError(error, 'already_exists')) {
      // This node's catalog has the user by now. Who is made again as they are stays so.
      const known = ports.meta.catalog.users?.find(({ name }) => name === statement.name);
      if (known !== undefined && (await isSame(statement, known, ports))) return;
    }
    if (command.kind !== 'revoke-user-privilege' || !isDbError(error, 'unsupported_version'))
      throw error;
    // A meta node of the release before counts in what is granted, as this node knows it.
    const { name, database } = command;
    const granted = privilegeOf(mustFindUser(ports.meta.catalog, name), database);
    const privilege = lessThan(granted, command.privilege);
    await ports.meta.execute({ kind: 'set-user-privilege', name, database, privilege });
  }
}

async function commandOf(statement: UserStatement, ports: UserPorts): Promise<Command> {
  switch (statement.kind) {
    case 'create-user': {
      const { kind, name, password, isAdmin } = statement;
      return { kind, name, hash: await newHash(password, ports), isAdmin };
    }
    case 'set-password': {
      const { name, password } = statement;
      return { kind: 'set-user-hash', name, hash: await newHash(password, ports) };
    }
    case 'drop-user':
      return { kind: 'drop-user', name: statement.name };
    case 'grant-admin':
    case 'revoke-admin': {
      const isAdmin = statement.kind === 'grant-admin';
      return { kind: 'set-user-admin', name: statement.user, isAdmin };
    }
    case 'grant': {
      const { user: name, database, privilege } = statement;
      return { kind: 'set-user-privilege', name, database, privilege };
    }
    case 'revoke': {
      const { user: name, database, privilege } = statement;
      return { kind: 'revoke-user-privilege', name, database, privilege };
    }
  }
}

async function isSame(
  statement: Extract<UserStatement, { kind: 'create-user' }>,
  { hash, isAdmin }: User,
  { jobs }: UserPorts,
): Promise<boolean> {
  if (isAdmin !== statement.isAdmin) return false;
  return jobs.run('check-password', { password: statement.password, hash });
}

export function showUsers({ users = [] }: Catalog): RowSeries {
  const rows = users.map(({ name, isAdmin }) => [name, isAdmin]);
  return { kind: 'rows', columns: ['user', 'admin'], rows };
}

export function showGrants(catalog: Catalog, name: string): RowSeries {
  const { privileges } = mustFindUser(catalog, name);
  const rows = privileges.map(({ database, privilege }) => [database, privilege]);
  return { kind: 'rows', columns: ['database', 'privilege'], rows };
}
