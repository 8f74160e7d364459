import { DbError } from '../../base/errors.ts';
import type { Measurement, SelectStatement } from '../../influxql/ast.ts';
import { qualifySelect } from '../../influxql/qualify.ts';
import type { MetaAccess } from '../../meta/client/meta-access.ts';
import { findDatabase, findRetentionPolicy } from '../../meta/model/catalog.ts';
import type { Database } from '../../meta/model/database.ts';

export interface NamesContext {
  readonly database: string;
  /** Of the request, for all databases that are named without one; '' for each one's default. */
  readonly retentionPolicy: string;
}

/**
 * Writes out databases and policies as the reference does before it runs or prints a statement. Throws where a database is not
 * there; what is wrong with the statement comes before a policy that is not (`checkPolicies`).
 */
export function qualifyNames(
  statement: SelectStatement,
  context: NamesContext,
  meta: MetaAccess,
): SelectStatement {
  const qualified = qualifySelect(statement, {
    database: context.database,
    defaultPolicy: (name) => {
      if (name === '') throw new DbError('invalid_argument', 'database name required');
      return context.retentionPolicy || databaseOf(name, meta).defaultRetentionPolicy;
    },
  });
  for (const { database } of measurementsOf(qualified)) databaseOf(database, meta);
  return qualified;
}

/** Throws where a policy is not there that the sources of a qualified statement name. */
export function checkPolicies(qualified: SelectStatement, meta: MetaAccess): void {
  for (const { database, retentionPolicy } of measurementsOf(qualified)) {
    if (findRetentionPolicy(databaseOf(database, meta), retentionPolicy) !== undefined) continue;
    const text = `retention policy not found: ${retentionPolicy}`;
    throw new DbError('retention_policy_not_found', text);
  }
}

function databaseOf(name: string, { catalog }: MetaAccess): Database {
  const database = findDatabase(catalog, name);
  if (database === undefined)
    throw new DbError('database_not_found', `database not found: ${name}`);
  return database;
}

/** The measurements that a statement and its subqueries name. */
export function measurementsOf({ sources }: SelectStatement): readonly Measurement[] {
  return sources.flatMap((source) =>
    source.kind === 'measurement' ? [source] : measurementsOf(source.statement),
  );
}
