import { regexCache } from '../../../influxql/regex.ts';
import { compilePredicate } from '../../../query/compile/compile-predicate.ts';
import type { RowSeries } from '../../../query/emit/result.ts';
import { evaluate, specialize } from '../../../query/predicate.ts';
import { tagDimensions } from './cardinality-groups.ts';
import { pagedSeries } from '../schema/row-paging.ts';
import type { SchemaReader } from '../schema/schema-reader.ts';
import type { CardinalityQuery } from './cardinality-query.ts';
import { fieldTypes } from '../schema/show-field-keys.ts';

/** What the condition of SHOW FIELD KEY CARDINALITY may name: rows of SHOW FIELD KEYS have no tags. */
const rowSchema = {
  name: '',
  fields: new Map([
    ['fieldKey', 'string'],
    ['fieldType', 'string'],
  ] as const),
  tagKeys: new Set<string>(),
};

/** SHOW FIELD KEY CARDINALITY: the different names among the rows of SHOW FIELD KEYS that meet the condition. */
export async function countFieldKeys(
  query: CardinalityQuery,
  reader: SchemaReader,
): Promise<readonly RowSeries[]> {
  const matcher = regexCache();
  const predicate = specialize(compilePredicate(query.condition, rowSchema), new Map(), matcher);
  if (predicate === false) return [];
  const isCounted = (field: string, type: string): boolean => {
    const read = (name: string): string => (name === 'fieldKey' ? field : type);
    return predicate === undefined || evaluate(predicate, read, matcher);
  };
  // The rows have no tags: a pattern or a star in GROUP BY finds none, a name stands for an empty value.
  const tags = tagDimensions(query.dimensions, { schemas: [] }).map((key) => [key, ''] as const);
  const types = await fieldTypes(reader);
  return reader.schemas.flatMap(({ name }) => {
    const fields = [...(types.get(name) ?? [])];
    const counted = fields.filter(([field, found]) => [...found].some((type) => isCounted(field, type))); // prettier-ignore
    if (counted.length === 0) return [];
    const rows = pagedSeries(query, { name, columns: ['count'], isCut: true }, [[counted.length]]);
    return rows.map((row) => (tags.length === 0 ? row : { ...row, tags }));
  });
}
