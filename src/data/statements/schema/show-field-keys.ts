import { compareUtf8 } from '../../../base/compare-utf8.ts';
import type { SchemaQuery } from '../../../influxql/ast.ts';
import type { RowSeries } from '../../../query/emit/result.ts';
import { pagedSeries } from './row-paging.ts';
import type { SchemaReader } from './schema-reader.ts';

/** SHOW FIELD KEYS: a row for each type that a field has in any shard. */
export async function showFieldKeys(
  statement: SchemaQuery,
  reader: SchemaReader,
): Promise<readonly RowSeries[]> {
  const types = await fieldTypes(reader);
  return reader.schemas.flatMap(({ name }) => {
    const rows = [...(types.get(name) ?? [])]
      .sort(([a], [b]) => compareUtf8(a, b))
      .flatMap(([field, found]) => [...found].sort().map((type) => [field, type]));
    const head = { name, columns: ['fieldKey', 'fieldType'], isCut: true };
    return pagedSeries(statement, head, rows);
  });
}

/** Types by field by measurement. */
export async function fieldTypes(
  reader: SchemaReader,
): Promise<ReadonlyMap<string, ReadonlyMap<string, ReadonlySet<string>>>> {
  const byName = new Map<string, Map<string, Set<string>>>();
  for await (const { name, key: type, texts } of reader.list('field-types', () => ({}))) {
    const fields = byName.get(name) ?? new Map<string, Set<string>>();
    byName.set(name, fields);
    for (const field of texts) fields.set(field, (fields.get(field) ?? new Set()).add(type));
  }
  return byName;
}
