/**
 * The payload of a record of types in the log: which types a shard has decided for new fields before it had points of them.
 * JSON: rare, small, and to be read with the eye.
 */
import { DbError } from '../../../base/errors.ts';
import { FieldType } from '../../../models/field-value.ts';
import type { DecidedField } from '../../engine/shard.ts';

export function encodeFieldTypes(fields: readonly DecidedField[]): Uint8Array {
  const rows = fields.map(({ measurement, name, type }) => [measurement, name, type]);
  return new TextEncoder().encode(JSON.stringify(rows));
}

/** Throws `corrupt`: the record's checksum held, so that it was written otherwise. */
export function decodeFieldTypes(payload: Uint8Array): readonly DecidedField[] {
  const rows = JSON.parse(new TextDecoder().decode(payload)) as unknown;
  if (!Array.isArray(rows)) throw new DbError('corrupt', 'a record of types is no list');
  return rows.map((row: unknown) => {
    const [measurement, name, type] = Array.isArray(row) ? (row as unknown[]) : [];
    const known = Object.values(FieldType).find((code) => code === type);
    if (typeof measurement !== 'string' || typeof name !== 'string' || known === undefined)
      throw new DbError('corrupt', 'a record of types has a row that is none');
    return { measurement, name, type: known };
  });
}
