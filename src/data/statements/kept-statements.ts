/**
 * Continuous queries and subscriptions, which are not kept in this version: statements that would make one are refused
 * after the checks that the reference makes first, those that look for one find none.
 */
import { DbError } from '../../base/errors.ts';
import type { Measurement, SelectStatement, Source, Statement } from '../../influxql/ast.ts';
import { qualifySelect } from '../../influxql/qualify.ts';
import { findRetentionPolicy, type Catalog } from '../../meta/model/catalog.ts';
import { mustFindDatabase } from './schema-scope.ts';

type Of<Kind extends Statement['kind']> = Extract<Statement, { kind: Kind }>;

/**
 * Throws what is missing, or that no query can be kept. Names without a database are of the one that the request names, if
 * it names one, and not of the query's own.
 */
export function refuseContinuousQuery(
  statement: Of<'create-continuous-query'>,
  catalog: Catalog,
  requestDatabase: string,
): never {
  const select = qualifySelect(statement.select, {
    database: requestDatabase === '' ? statement.database : requestDatabase,
    defaultPolicy: (name) => mustFindDatabase(catalog, name).defaultRetentionPolicy,
  });
  for (const { database, retentionPolicy } of measurementsOf(select)) {
    if (findRetentionPolicy(mustFindDatabase(catalog, database), retentionPolicy) !== undefined)
      continue;
    const text = `retention policy not found: ${database}.${retentionPolicy}`;
    throw new DbError('retention_policy_not_found', text);
  }
  mustFindDatabase(catalog, statement.database);
  throw new DbError('unsupported', 'CREATE CONTINUOUS QUERY is not supported in this version');
}

export function refuseSubscription(
  statement: Of<'create-subscription' | 'drop-subscription'>,
  catalog: Catalog,
): never {
  const database = mustFindDatabase(catalog, statement.database);
  if (findRetentionPolicy(database, statement.retentionPolicy) === undefined) {
    const text = `retention policy not found: ${statement.retentionPolicy}`;
    throw new DbError('retention_policy_not_found', text);
  }
  if (statement.kind === 'drop-subscription')
    throw new DbError('not_found', 'subscription not found');
  throw new DbError('unsupported', 'CREATE SUBSCRIPTION is not supported in this version');
}

function measurementsOf({ target, sources }: SelectStatement): readonly Measurement[] {
  const read = sources.flatMap((source: Source) =>
    source.kind === 'subquery' ? measurementsOf(source.statement) : [source],
  );
  return target === undefined ? read : [target, ...read];
}
