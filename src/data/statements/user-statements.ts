import { newHash, type HashPorts } from '../../env/new-hash.ts';
import type { Privilege, Statement } from '../../influxql/ast.ts';
import type { MetaAccess } from '../../meta/client/meta-access.ts';
import { mustFindUser } from '../../meta/apply/apply-users.ts';
import type { Catalog, GrantedPrivilege, User } from '../../meta/model/catalog.ts';
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

/** Statements that change users (spec 6.2). A user that is made again as it is stays as it is. */
export async function changeUsers(statement: UserStatement, ports: UserPorts): Promise<void> {
  const { meta } = ports;
  if (statement.kind === 'create-user') {
    const known = meta.catalog.users?.find(({ name }) => name === statement.name);
    if (known !== undefined && (await isSame(statement, known, ports))) return;
  }
  await meta.execute(await commandOf(statement, ports));
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
      const { user: name, database } = statement;
      const privilege = lessThan(privilegeOf(ports.meta.catalog, name, database), statement.privilege); // prettier-ignore
      return { kind: 'set-user-privilege', name, database, privilege };
    }
  }
}

function privilegeOf(catalog: Catalog, name: string, database: string): GrantedPrivilege {
  const { privileges } = mustFindUser(catalog, name);
  return privileges.find((one) => one.database === database)?.privilege ?? 'NO PRIVILEGES';
}

/** Reading and writing are taken one by one from what was granted together. */
function lessThan(granted: GrantedPrivilege, revoked: Privilege): GrantedPrivilege {
  if (revoked === 'ALL PRIVILEGES' || granted === revoked) return 'NO PRIVILEGES';
  if (granted !== 'ALL PRIVILEGES') return granted;
  return revoked === 'READ' ? 'WRITE' : 'READ';
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
