import type { Permission } from '../base/permission.ts';
import type { SelectStatement, Source, Statement } from './ast.ts';

/** What a user must hold for a statement (spec 6.2); database '' means the one the request names. */
export type RequiredPrivilege =
  { readonly kind: 'admin' } | { readonly kind: 'read' | 'write'; readonly database: string };

const admin: readonly RequiredPrivilege[] = [{ kind: 'admin' }];

/** All of these must be held; none for a statement anyone may run. */
export function requiredPrivileges(statement: Statement): readonly RequiredPrivilege[] {
  switch (statement.kind) {
    case 'select':
      return ofSelect(statement);
    case 'explain':
      return ofSelect(statement.statement);
    case 'delete':
    case 'drop-series':
      return [{ kind: 'write', database: '' }];
    case 'show-measurements':
      return statement.wildcardDatabase ? admin : [{ kind: 'read', database: statement.database }];
    case 'show-series':
    case 'show-field-keys':
    case 'show-tag-keys':
    case 'show-tag-values':
    case 'show-cardinality':
    case 'show-retention-policies':
      return [{ kind: 'read', database: statement.database }];
    case 'show-continuous-queries':
      return [{ kind: 'read', database: '' }];
    case 'drop-retention-policy':
    case 'drop-continuous-query':
    case 'execute-continuous-query':
      return [{ kind: 'write', database: statement.database }];
    case 'create-continuous-query':
      return [{ kind: 'read', database: statement.database }, ...ofSelect(statement.select)];
    case 'show-databases':
      return [];
    case 'show-queries':
      return [{ kind: 'read', database: '' }];
    default:
      return admin;
  }
}

/** Whether a GET may run it without a warning (spec 4.1). */
export function isReadOnly(statement: Statement): boolean {
  if (statement.kind === 'select') return statement.target === undefined;
  if (statement.kind === 'explain') return statement.statement.target === undefined;
  return statement.kind.startsWith('show-');
}

function ofSelect(statement: SelectStatement): readonly RequiredPrivilege[] {
  const reads = readDatabases(statement.sources).map((database): RequiredPrivilege => ({
    kind: 'read',
    database,
  }));
  const { target } = statement;
  return target === undefined ? reads : [...reads, { kind: 'write', database: target.database }];
}

function readDatabases(sources: readonly Source[]): readonly string[] {
  const names = sources.flatMap((source) =>
    source.kind === 'subquery' ? readDatabases(source.statement.sources) : [source.database],
  );
  return [...new Set(names)];
}

/**
 * What lets a user run a statement who does not hold what `requiredPrivileges` asks for: a permission on a database, or where
 * there is none on the whole cluster (spec 3.4). Undefined where nothing else does.
 */
export function sufficientPermission(
  statement: Statement,
): { readonly permission: Permission; readonly database?: string } | undefined {
  switch (statement.kind) {
    case 'create-database':
      return { permission: 'CreateDatabase' };
    case 'create-retention-policy':
    case 'alter-retention-policy':
    case 'show-retention-policies':
      return { permission: 'CreateDatabase', database: statement.database };
    case 'drop-database':
      return { permission: 'DropDatabase' };
    case 'drop-retention-policy':
      return { permission: 'DropDatabase', database: statement.database };
    case 'delete':
    case 'drop-series':
    case 'drop-measurement':
      return { permission: 'DropData', database: '' };
    case 'create-user':
    case 'drop-user':
    case 'set-password':
    case 'grant':
    case 'grant-admin':
    case 'revoke':
    case 'revoke-admin':
    case 'show-users':
    case 'show-grants':
      return { permission: 'CreateUserAndRole' };
    case 'drop-shard':
    case 'show-shards':
    case 'show-shard-groups':
      return { permission: 'ManageShard' };
    case 'create-continuous-query':
    case 'drop-continuous-query':
    case 'execute-continuous-query':
      return { permission: 'ManageContinuousQuery', database: statement.database };
    case 'show-continuous-queries':
      return { permission: 'ManageContinuousQuery', database: '' };
    case 'create-subscription':
    case 'drop-subscription':
      return { permission: 'ManageSubscription', database: statement.database };
    case 'show-subscriptions':
      return { permission: 'ManageSubscription', database: '' };
    case 'show-queries':
    case 'kill-query':
      return { permission: 'ManageQuery', database: '' };
    case 'show-stats':
    case 'show-diagnostics':
      return { permission: 'Monitor' };
    default:
      return undefined;
  }
}
