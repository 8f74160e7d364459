import { groupedBy } from '../../../base/collections/grouped-by.ts';
import { DbError } from '../../../base/errors.ts';
import { maxTimeNs, minTimeNs } from '../../../base/units.ts';
import type { Measurement, Source } from '../../../influxql/ast.ts';
import { compileRegex } from '../../../influxql/regex.ts';
import {
  findDatabase,
  findRetentionPolicy,
  type Catalog,
  type Database,
  type RetentionPolicy,
  type ShardInfo,
} from '../../../meta/model/catalog.ts';
import { groupsWithin } from '../../../meta/model/shard-groups.ts';
import type { TimeRange } from '../../../query/compile/split-condition.ts';

/** Shards that a SHOW statement reads, and the measurements in them that it names. */
export interface SchemaScope {
  readonly database: string;
  readonly shards: readonly ShardInfo[];
  readonly isNamed: (measurement: string) => boolean;
}

/** Where a statement stands: what it leaves open. */
export interface ScopePlace {
  readonly catalog: Catalog;
  /** ON of the statement, or the database of the request; '' for none. */
  readonly database: string;
  /** Of the request, for all databases that are named without one; '' for each one's default. */
  readonly retentionPolicy: string;
  readonly range: TimeRange;
}

/** All policies of the database: how SHOW TAG KEYS reads. */
export function databaseScope(place: ScopePlace, sources: readonly Source[]): SchemaScope {
  const database = mustFindDatabase(place.catalog, place.database);
  return {
    database: database.name,
    shards: database.retentionPolicies.flatMap((policy) => shardsWithin(policy, place.range)),
    isNamed: nameMatcher(sources),
  };
}

/** All policies of the databases that the sources name: how SHOW SERIES reads. */
export function databaseScopes(
  place: ScopePlace,
  sources: readonly Source[],
): readonly SchemaScope[] {
  const byDatabase = groupedBy(measurementsOf(sources), (source) => source.database || place.database); // prettier-ignore
  if (byDatabase.size === 0) return [databaseScope(place, [])];
  return [...byDatabase].map(([database, named]) => databaseScope({ ...place, database }, named));
}

/** One policy for all sources, when any of them names one, or all policies: how SHOW TAG VALUES reads. */
export function onePolicyScope(place: ScopePlace, sources: readonly Source[]): SchemaScope {
  const database = mustFindDatabase(place.catalog, place.database);
  const names = measurementsOf(sources).flatMap(({ retentionPolicy }) => retentionPolicy || []);
  const [first, other] = [...new Set(names)];
  if (first === undefined) return databaseScope(place, sources);
  if (other !== undefined)
    throw new DbError('invalid_argument', `only one retention policy allowed in SHOW TAG VALUES query: "${other}", "${first}"`); // prettier-ignore
  const policy = mustFindPolicy(database, first);
  const shards = shardsWithin(policy, place.range);
  return { database: database.name, shards, isNamed: nameMatcher(sources) };
}

/** Each source in its own policy, the default one where none is named: how a SELECT reads. */
export function sourceScopes(
  place: ScopePlace,
  sources: readonly Source[],
): readonly SchemaScope[] {
  const everything = { database: '', retentionPolicy: '', name: '', kind: 'measurement' } as const;
  const named = sources.length === 0 ? [everything] : measurementsOf(sources);
  const byPolicy = new Map<RetentionPolicy, { database: string; measurements: Measurement[] }>();
  for (const source of named) {
    const database = mustFindDatabase(place.catalog, source.database || place.database);
    const name = source.retentionPolicy || place.retentionPolicy || database.defaultRetentionPolicy;
    if (name === '')
      throw new DbError('invalid_argument', `default retention policy not set for: ${database.name}`); // prettier-ignore
    const policy = mustFindPolicy(database, name);
    const known = byPolicy.get(policy) ?? { database: database.name, measurements: [] };
    known.measurements.push(source);
    byPolicy.set(policy, known);
  }
  return [...byPolicy].map(([policy, { database, measurements }]) => ({
    database,
    shards: shardsWithin(policy, place.range),
    isNamed: nameMatcher(sources.length === 0 ? [] : measurements),
  }));
}

/** Throws the reference's texts for no name and for a database that is not there. */
export function mustFindDatabase(catalog: Catalog, name: string): Database {
  if (name === '') throw new DbError('invalid_argument', 'database name required');
  const database = findDatabase(catalog, name);
  if (database === undefined)
    throw new DbError('database_not_found', `database not found: ${name}`);
  return database;
}

function mustFindPolicy(database: Database, name: string): RetentionPolicy {
  const policy = findRetentionPolicy(database, name);
  if (policy === undefined)
    throw new DbError('retention_policy_not_found', `retention policy not found: ${name}`);
  return policy;
}

export function shardsWithin(policy: RetentionPolicy, range: TimeRange): readonly ShardInfo[] {
  const { minNs = minTimeNs, maxNs = maxTimeNs } = range;
  const groups = minNs > maxNs ? [] : groupsWithin(policy, minNs, maxNs);
  return groups.flatMap((group) => group.shards);
}

/** Whether any source names a measurement; no sources name them all, and so does the empty name where it is the only one. */
export function nameMatcher(sources: readonly Source[]): (name: string) => boolean {
  const measurements = measurementsOf(sources);
  if (measurements.every(isNameless)) return () => true;
  const names = new Set(
    measurements.flatMap(({ name, regex }) => (regex === undefined ? name : [])),
  );
  const patterns = measurements.flatMap(({ regex }) => (regex === undefined ? [] : [compileRegex(regex)])); // prettier-ignore
  return (name) => names.has(name) || patterns.some((matches) => matches(name));
}

export function isNameless({ name, regex }: Measurement): boolean {
  return name === '' && regex === undefined;
}

export function measurementsOf(sources: readonly Source[]): readonly Measurement[] {
  return sources.filter((source): source is Measurement => source.kind === 'measurement');
}
