import { DbError } from '../../base/errors.ts';
import type { Measurement } from '../../influxql/ast.ts';
import { compileRegex } from '../../influxql/regex.ts';
import type { MeasurementSchema } from '../compile/schema.ts';
import type { Predicate } from '../predicate.ts';
import type { FoundMeasurement } from './resolve-select.ts';

/** Names that the reference keeps for itself (spec 6.5). */
const systemSources: ReadonlyMap<string, string> = new Map([
  ['_fieldKeys', 'SHOW FIELD KEYS'],
  ['_measurements', 'SHOW MEASUREMENTS'],
  ['_series', 'SHOW SERIES'],
  ['_tagKeys', 'SHOW TAG KEYS'],
  ['_tags', 'SHOW TAG VALUES'],
]);

export function checkSystemSource({ name }: Measurement): void {
  const show = systemSources.get(name);
  if (show !== undefined)
    throw new DbError('invalid_argument', `unable to use system source '${name}': use ${show} instead`); // prettier-ignore
}

/** The measurements that a source names, of `schemas`, which are sorted by name. */
export function matchMeasurements(
  source: Measurement,
  schemas: readonly MeasurementSchema[],
): readonly MeasurementSchema[] {
  if (source.regex !== undefined) {
    const matches = compileRegex(source.regex);
    return schemas.filter(({ name }) => matches(name));
  }
  return schemas.filter(({ name }) => name === source.name);
}

/** A policy that a query reads, and the measurements of its shards, sorted by name. */
export interface DescribedPlace {
  readonly database: string;
  readonly retentionPolicy: string;
  readonly schemas: readonly MeasurementSchema[];
}

/** Which series of a measurement whoever asks may read: all, none, or those of a predicate. */
export type AllowedSeries = (database: string, measurement: string) => 'all' | 'none' | Predicate;

/** Names that are held against a pattern between two places to rest. */
const namesPerRest = 16;

/** The measurements of a source, of those that the shards of its policy have; undefined is a place to rest. */
export function* findIn(
  places: readonly DescribedPlace[],
  source: Measurement,
  allowedSeries?: AllowedSeries,
): Generator<FoundMeasurement | undefined> {
  const place = places.find(
    (one) => one.database === source.database && one.retentionPolicy === source.retentionPolicy,
  );
  if (place === undefined) return;
  const { database, retentionPolicy, schemas } = place;
  for (let start = 0; start < schemas.length; start += namesPerRest) {
    if (source.regex !== undefined) yield undefined;
    for (const schema of matchMeasurements(source, schemas.slice(start, start + namesPerRest))) {
      const allowed = allowedSeries?.(database, schema.name) ?? 'all';
      if (allowed === 'none') continue;
      yield { database, retentionPolicy, schema, ...(allowed !== 'all' && { allowed }) };
    }
  }
}
