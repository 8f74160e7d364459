import { DbError } from '../../base/errors.ts';
import type { Measurement, SelectStatement } from '../../influxql/ast.ts';
import { qualifySelect } from '../../influxql/qualify.ts';
import type { MetaAccess } from '../../meta/client/meta-access.ts';
import { findDatabase, findRetentionPolicy } from '../../meta/model/catalog.ts';

export interface NamesContext {
  readonly database: string;
  /** Of the request, for all databases that are named without one; '' for each one's default. */
  readonly retentionPolicy: string;
}

/** Writes out databases and policies as the reference does before it runs or prints a statement. */
export function qualifyNames(
  statement: SelectStatement,
  context: NamesContext,
  meta: MetaAccess,
): SelectStatement {
  const qualified = qualifySelect(statement, {
    database: context.database,
    defaultPolicy: (name) => {
      if (name === '') throw new DbError('invalid_argument', 'database name required');
      const database = findDatabase(meta.catalog, name);
      if (database === undefined)
        throw new DbError('database_not_found', `database not found: ${name}`);
      return context.retentionPolicy || database.defaultRetentionPolicy;
    },
  });
  for (const source of measurementsOf(qualified)) checkPlace(source, meta);
  return qualified;
}

function checkPlace(source: Measurement, meta: MetaAccess): void {
  const database = findDatabase(meta.catalog, source.database);
  if (database === undefined)
    throw new DbError('database_not_found', `database not found: ${source.database}`);
  if (findRetentionPolicy(database, source.retentionPolicy) === undefined) {
    const text = `retention policy not found: ${source.retentionPolicy}`;
    throw new DbError('retention_policy_not_found', text);
  }
}

/** The measurements that a statement and its subqueries name. */
export function measurementsOf({ sources }: SelectStatement): readonly Measurement[] {
  return sources.flatMap((source) =>
    source.kind === 'measurement' ? [source] : measurementsOf(source.statement),
  );
}
