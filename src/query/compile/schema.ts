import { compareUtf8 } from '../../base/compare-utf8.ts';
import type { SourceFieldType } from '../source.ts';

/** What the shards of a query say of one measurement, taken together. */
export interface MeasurementSchema {
  readonly name: string;
  readonly fields: ReadonlyMap<string, SourceFieldType>;
  readonly tagKeys: ReadonlySet<string>;
}

const typeRank: readonly SourceFieldType[] = ['float', 'integer', 'unsigned', 'string', 'boolean'];

/** Several shards' views as one: a field of several types shows as the first of them in the reference's order (trap 40). */
export function mergeSchemas(name: string, parts: readonly MeasurementSchema[]): MeasurementSchema {
  const fields = new Map<string, SourceFieldType>();
  const tagKeys = new Set<string>();
  for (const part of parts) {
    for (const key of part.tagKeys) tagKeys.add(key);
    for (const [field, type] of part.fields) {
      const known = fields.get(field);
      if (known === undefined || typeRank.indexOf(type) < typeRank.indexOf(known))
        fields.set(field, type);
    }
  }
  return { name, fields, tagKeys };
}

/** Names in the reference's order, by bytes. */
export function sortedNames(names: Iterable<string>): string[] {
  return [...names].sort(compareUtf8);
}
