import { DbError } from '../../base/errors.ts';
import type { Measurement } from '../../influxql/ast.ts';
import { compileRegex } from '../../influxql/regex.ts';
import type { MeasurementSchema } from '../compile/schema.ts';

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
