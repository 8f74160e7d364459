import { DbError } from '../../base/errors.ts';
import type { RetentionSpec, SelectStatement, Statement } from '../../influxql/ast.ts';
import { printStatement } from '../../influxql/printer.ts';
import { qualifySelect } from '../../influxql/qualify.ts';
import { findDatabase, type Catalog } from '../../meta/model/catalog.ts';
import type { Database } from '../../meta/model/database.ts';
import type { Command, PolicySpec } from '../../meta/command/command.ts';
import { destinationsMax } from '../../meta/command/command-shape.ts';
import { mustFindDatabase } from './schema/schema-scope.ts';
import { checkSubscriptionAddress } from './subscription-address.ts';

/** What a request says besides its statements; '' for what it leaves open. */
export interface RequestPlace {
  readonly database: string;
  readonly retentionPolicy: string;
}

/** The catalog's command for a statement that is one; undefined for any other. Throws for places that are not there. */
export function catalogCommand(
  statement: Statement,
  catalog: Catalog,
  { makesBareDatabases = false, ...place }: RequestPlace & { readonly makesBareDatabases?: boolean | undefined }, // prettier-ignore
): Command | undefined {
  switch (statement.kind) {
    case 'create-database': {
      const { name, policy } = statement;
      if (makesBareDatabases && policy === undefined) return { kind: 'create-bare-database', name };
      return { kind: statement.kind, name, policy: policy && policySpec(policy) };
    }
    case 'drop-database':
      return { kind: statement.kind, name: statement.name };
    case 'create-retention-policy': {
      const { database, name, isDefault } = statement;
      const policy = { ...policySpec(statement.policy), name };
      return { kind: statement.kind, database, policy, isDefault };
    }
    case 'alter-retention-policy': {
      const { database, isDefault } = statement;
      const policy = policySpec(statement.policy);
      // As in the reference, `""` is the default one.
      const name =
        statement.name || (findDatabase(catalog, database)?.defaultRetentionPolicy ?? '');
      return { kind: statement.kind, database, name, policy, isDefault };
    }
    case 'drop-retention-policy':
      if (statement.name === '') checkUnnamed(findDatabase(catalog, statement.database));
      return { kind: statement.kind, database: statement.database, name: statement.name };
    case 'create-continuous-query':
      return continuousQueryCommand(statement, catalog, place);
    case 'drop-continuous-query':
      return { kind: statement.kind, database: statement.database, name: statement.name };
    case 'create-subscription': {
      const { kind, database, retentionPolicy, name, mode, destinations } = statement;
      if (destinations.length > destinationsMax)
        throw new DbError('invalid_argument', `a subscription has at most ${destinationsMax} destinations, not ${destinations.length}`); // prettier-ignore
      for (const url of destinations) checkSubscriptionAddress(url);
      return { kind, database, retentionPolicy, name, mode, destinations };
    }
    case 'drop-subscription': {
      const { kind, database, retentionPolicy, name } = statement;
      return { kind, database, retentionPolicy, name };
    }
    default:
      return undefined;
  }
}

/** The reference takes `""` for the folder of the database itself, where that is there; it is never dropped. */
function checkUnnamed(database: Database | undefined): void {
  if (database?.retentionPolicies.some(({ shardGroups }) => shardGroups.length > 0) !== true)
    return;
  const text = `invalid path for database '${database.name}', retention policy ''`;
  throw new DbError('invalid_argument', text);
}

type CreateContinuousQuery = Extract<Statement, { kind: 'create-continuous-query' }>;

/** Its text is kept with every database and policy written out, so that it means the same when they change. */
function continuousQueryCommand(
  statement: CreateContinuousQuery,
  catalog: Catalog,
  place: RequestPlace,
): Command {
  const { kind, database, name } = statement;
  const qualified = qualifyContinuousQuery(statement, catalog, place);
  checkPolicies(qualified.select, catalog);
  return { kind, database, name, text: printStatement(qualified) };
}

/**
 * Names without a database or a policy are of those that the request names, if it names them, and not of the query's own. Throws for
 * a database that is not there.
 */
export function qualifyContinuousQuery(
  statement: CreateContinuousQuery,
  catalog: Catalog,
  place: RequestPlace,
): CreateContinuousQuery {
  const policyOf = (databaseName: string): string =>
    place.retentionPolicy || mustFindDatabase(catalog, databaseName).defaultRetentionPolicy;
  const select = qualifySelect(statement.select, {
    database: place.database || statement.database,
    defaultPolicy: policyOf,
  });
  return { ...statement, select };
}

/** The walk is as deep as the parser lets subqueries be. */
function checkPolicies({ sources, target }: SelectStatement, catalog: Catalog): void {
  for (const source of [...(target === undefined ? [] : [target]), ...sources]) {
    if (source.kind === 'subquery') checkPolicies(source.statement, catalog);
    else {
      const { database, retentionPolicy } = source;
      const { retentionPolicies } = mustFindDatabase(catalog, database);
      if (retentionPolicies.some(({ name }) => name === retentionPolicy)) continue;
      const text = `retention policy not found: ${database}.${retentionPolicy}`;
      throw new DbError('retention_policy_not_found', text);
    }
  }
}

function policySpec(spec: RetentionSpec): PolicySpec {
  const { durationNs, shardDurationNs, replication, pastLimitNs, futureLimitNs } = spec;
  // `CREATE DATABASE d WITH NAME ""` is one that names none.
  const name = spec.name === '' ? undefined : spec.name;
  return { name, durationNs, shardDurationNs, replication, pastLimitNs, futureLimitNs };
}
