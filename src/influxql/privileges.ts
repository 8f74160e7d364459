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
