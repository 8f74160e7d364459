/** Continuous queries and subscriptions as the catalog keeps them, with the reference's texts (spec 3.6). */
import { DbError } from '../../base/errors.ts';
import {
  findDatabase,
  type Catalog,
  type ContinuousQuery,
  type Database,
  type RetentionPolicy,
  type Subscription,
} from '../model/catalog.ts';
import type { Command } from '../command/command.ts';
import { checkSubscriptionUrl } from '../model/subscription-url.ts';

export type JobCommand = Extract<
  Command,
  {
    kind:
      | 'create-continuous-query'
      | 'mark-continuous-queries'
      | 'drop-continuous-query'
      | 'create-subscription'
      | 'drop-subscription';
  }
>;

const continuousQueriesMax = 10_000;
const subscriptionsMax = 1_000;

export function applyJobCommand(catalog: Catalog, command: JobCommand): Catalog {
  switch (command.kind) {
    case 'create-continuous-query':
      return createQuery(catalog, command.database, {
        name: command.name,
        text: command.text,
        ...(command.nowNs !== undefined && { createdNs: command.nowNs }),
      });
    case 'mark-continuous-queries':
      return markQueries(catalog, command);
    case 'drop-continuous-query': {
      // Neither the query nor the database has to be there.
      const database = findDatabase(catalog, command.database);
      const queries = database?.continuousQueries ?? [];
      const kept = queries.filter(({ name }) => name !== command.name);
      if (database === undefined || kept.length === queries.length) return catalog;
      return withQueries(catalog, database, kept);
    }
    case 'create-subscription': {
      const { name, mode, destinations } = command;
      return createSubscription(catalog, command, { name, mode, destinations });
    }
    case 'drop-subscription': {
      const { database, policy } = placeOf(catalog, command);
      const subscriptions = policy.subscriptions ?? [];
      const kept = subscriptions.filter(({ name }) => name !== command.name);
      if (kept.length === subscriptions.length)
        throw new DbError('not_found', 'subscription not found');
      return withSubscriptions(catalog, { database, policy }, kept);
    }
  }
}

/** The same one again is no error; its text may differ in case. */
function createQuery(catalog: Catalog, databaseName: string, query: ContinuousQuery): Catalog {
  const database = mustHaveDatabase(catalog, databaseName);
  const queries = database.continuousQueries ?? [];
  const known = queries.find(({ name }) => name === query.name);
  if (known !== undefined) {
    if (known.text.toLowerCase() === query.text.toLowerCase()) return catalog;
    throw new DbError('already_exists', 'continuous query already exists');
  }
  if (queries.length >= continuousQueriesMax) {
    const text = `a database has no more than ${continuousQueriesMax} continuous queries`;
    throw new DbError('limit_exceeded', text);
  }
  return withQueries(catalog, database, [...queries, query]);
}

/** Whoever lost the lease has no say; queries that have been dropped meanwhile are passed over. */
function markQueries(
  catalog: Catalog,
  { lease, token, marks }: Extract<JobCommand, { kind: 'mark-continuous-queries' }>,
): Catalog {
  const held = catalog.leases.find(({ name }) => name === lease);
  if (held?.token !== token) throw new DbError('lease_lost', 'another node has the lease');
  let marked = catalog;
  for (const { database: databaseName, name, createdNs, ranUntilNs } of marks) {
    const database = findDatabase(marked, databaseName);
    const queries = database?.continuousQueries ?? [];
    const at = queries.findIndex((one) => one.name === name && one.createdNs === createdNs);
    const query = queries[at];
    if (database === undefined || query === undefined || query.ranUntilNs === ranUntilNs) continue;
    marked = withQueries(marked, database, queries.with(at, { ...query, ranUntilNs }));
  }
  return marked;
}

function createSubscription(
  catalog: Catalog,
  at: { readonly database: string; readonly retentionPolicy: string },
  subscription: Subscription,
): Catalog {
  for (const url of subscription.destinations) checkSubscriptionUrl(url);
  const { database, policy } = placeOf(catalog, at);
  const subscriptions = policy.subscriptions ?? [];
  if (subscriptions.some(({ name }) => name === subscription.name))
    throw new DbError('already_exists', 'subscription already exists');
  if (subscriptions.length >= subscriptionsMax) {
    const text = `a retention policy has no more than ${subscriptionsMax} subscriptions`;
    throw new DbError('limit_exceeded', text);
  }
  return withSubscriptions(catalog, { database, policy }, [...subscriptions, subscription]);
}

interface Place {
  readonly database: Database;
  readonly policy: RetentionPolicy;
}

function placeOf(
  catalog: Catalog,
  at: { readonly database: string; readonly retentionPolicy: string },
): Place {
  const database = mustHaveDatabase(catalog, at.database);
  const policy = database.retentionPolicies.find(({ name }) => name === at.retentionPolicy);
  if (policy !== undefined) return { database, policy };
  const text = `retention policy not found: ${at.retentionPolicy}`;
  throw new DbError('retention_policy_not_found', text);
}

function mustHaveDatabase(catalog: Catalog, name: string): Database {
  const database = findDatabase(catalog, name);
  if (database !== undefined) return database;
  throw new DbError('database_not_found', `database not found: ${name}`);
}

function withQueries(
  catalog: Catalog,
  database: Database,
  continuousQueries: readonly ContinuousQuery[],
): Catalog {
  return { ...catalog, databases: catalog.databases.with({ ...database, continuousQueries }) };
}

function withSubscriptions(
  catalog: Catalog,
  { database, policy }: Place,
  subscriptions: readonly Subscription[],
): Catalog {
  const retentionPolicies = database.retentionPolicies.map((other) =>
    other === policy ? { ...policy, subscriptions } : other,
  );
  return { ...catalog, databases: catalog.databases.with({ ...database, retentionPolicies }) };
}
