import { DbError } from '../../../base/errors.ts';
import { compareUtf8 } from '../../../base/compare-utf8.ts';
import type { ShowMeasurements } from '../../../influxql/ast.ts';
import { findDatabase, type Database, type RetentionPolicy } from '../../../meta/model/catalog.ts';
import type { MeasurementSchema } from '../../../query/compile/schema.ts';
import { namesTime } from '../../../query/compile/split-condition.ts';
import type { RowSeries } from '../../../query/emit/result.ts';
import {
  checkNamedTerms,
  conditionTags,
  namedMeasurements,
  type MeasurementTags,
} from './measurements-condition.ts';
import { answered } from './answered.ts';
import { pagedSeries } from './row-paging.ts';
import type { SchemaReader } from './schema-reader.ts';
import { nameMatcher, shardsWithin, type SchemaScope, type ScopePlace } from './schema-scope.ts';

type Read = <T>(
  scopes: readonly SchemaScope[],
  run: (reader: SchemaReader) => Promise<T>,
) => Promise<T>;

/** Measurements are listed policy by policy where the statement names one, or all. */
interface ListedPlace {
  readonly database: string;
  readonly retentionPolicy: string;
  readonly policies: readonly RetentionPolicy[];
}

/** SHOW MEASUREMENTS, of a database, `ON db.rp`, `ON db.*` or `ON *.*`. */
export async function showMeasurements(
  statement: ShowMeasurements,
  place: ScopePlace,
  read: Read,
): Promise<readonly RowSeries[] | DbError> {
  if (namesTime(statement.condition))
    throw invalid("SHOW MEASUREMENTS doesn't support time in WHERE clause");
  if (!statement.wildcardDatabase && place.database === '') throw invalid('database name required');
  return answered(() => listedNames(statement, place, read));
}

async function listedNames(
  statement: ShowMeasurements,
  place: ScopePlace,
  read: Read,
): Promise<readonly RowSeries[]> {
  const places = placesOf(statement, place);
  const isNamed = nameMatcher(statement.with === undefined ? [] : [statement.with]);
  const rows: string[][] = [];
  for (const { database, retentionPolicy, policies } of places) {
    const shards = policies.flatMap((policy) => shardsWithin(policy, place.range));
    const names = await read([{ database, shards, isNamed }], (reader) =>
      namesOf(statement, reader),
    );
    for (const name of names) rows.push([name, database, retentionPolicy]);
  }
  const isPlain = !namesPolicies(statement);
  const columns = isPlain ? ['name'] : ['name', 'database', 'retention policy'];
  const head = { name: 'measurements', columns };
  return pagedSeries(statement, head, isPlain ? rows.map(([name = '']) => [name]) : rows);
}

function namesPolicies(statement: ShowMeasurements): boolean {
  const { wildcardDatabase, wildcardRetentionPolicy, retentionPolicy } = statement;
  return wildcardDatabase || wildcardRetentionPolicy || retentionPolicy !== '';
}

/** A database that is not there has no measurements, and is an error only for `ON db.*`. */
function placesOf(statement: ShowMeasurements, place: ScopePlace): readonly ListedPlace[] {
  const { retentionPolicy, wildcardDatabase, wildcardRetentionPolicy } = statement;
  const { databases } = place.catalog;
  if (wildcardDatabase) {
    if (retentionPolicy !== '') throw unsupportedPlace('*.rp');
    if (!wildcardRetentionPolicy) throw unsupportedPlace('*');
    return databases.flatMap(policyPlaces);
  }
  const database = findDatabase(place.catalog, place.database);
  if (wildcardRetentionPolicy) {
    if (database === undefined) throw invalid(`unknown database ${place.database}`);
    return policyPlaces(database);
  }
  const policies = database?.retentionPolicies ?? [];
  const named = policies.filter(({ name }) => retentionPolicy === '' || name === retentionPolicy);
  return [{ database: place.database, retentionPolicy, policies: named }];
}

function policyPlaces({ name, retentionPolicies }: Database): readonly ListedPlace[] {
  return retentionPolicies.map((policy) => {
    return { database: name, retentionPolicy: policy.name, policies: [policy] };
  });
}

async function namesOf(
  { condition }: ShowMeasurements,
  reader: SchemaReader,
): Promise<readonly string[]> {
  if (condition === undefined) return reader.schemas.map(({ name }) => name);
  if (reader.hasShards) checkNamedTerms(condition);
  const wanted = conditionTags(condition);
  const values = new Map<string, Map<string, Set<string>>>();
  const tagKeysOf = ({ tagKeys }: MeasurementSchema) => ({
    tagKeys: [...wanted].filter((key) => tagKeys.has(key)).sort(compareUtf8),
  });
  for await (const { name, key, texts } of reader.list('tag-values', tagKeysOf)) {
    const tags = values.get(name) ?? new Map<string, Set<string>>();
    values.set(name, tags);
    const known = tags.get(key) ?? new Set();
    tags.set(key, known);
    for (const text of texts) known.add(text);
  }
  const measurements = reader.schemas.map(({ name }): MeasurementTags => {
    return { name, values: values.get(name) ?? new Map<string, Set<string>>() };
  });
  const named = await namedMeasurements(condition, measurements, () => reader.rest());
  return named.map(({ name }) => name);
}

function unsupportedPlace(place: string): DbError {
  const use = "use 'ON *.*' or specify a database";
  return invalid(`query 'SHOW MEASUREMENTS ON ${place}' not supported. ${use}`);
}

function invalid(text: string): DbError {
  return new DbError('invalid_argument', text);
}
