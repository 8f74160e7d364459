import { compareUtf8 } from '../../../base/compare-utf8.ts';
import type { SchemaQuery } from '../../../influxql/ast.ts';
import { compilePredicate } from '../../../query/compile/compile-predicate.ts';
import type { RowSeries } from '../../../query/emit/result.ts';
import { pagedSeries } from './row-paging.ts';
import type { SchemaReader } from './schema-reader.ts';
import { checkIndexOperators, seriesPredicate } from './series-condition.ts';
import { systemCondition } from './system-condition.ts';

/**
 * SHOW SERIES: keys in the order of measurements and of their bytes. With bounds of time the condition is that of a SELECT,
 * as in the reference. Reading ends with the last row of the page.
 */
export async function showSeries(
  statement: SchemaQuery,
  reader: SchemaReader,
  { isTimed }: { readonly isTimed: boolean },
): Promise<readonly RowSeries[]> {
  const { condition, limit, offset } = statement;
  const rowsMax = limit === 0 ? Infinity : limit + offset;
  if (!isTimed && condition !== undefined && reader.hasShards) checkIndexOperators(condition);
  const conditionOf = systemCondition(condition, reader.schemas);
  const pieces = reader.list('series', (schema) => ({
    predicate: isTimed
      ? compilePredicate(conditionOf(schema), schema)
      : seriesPredicate(condition, schema),
    ...(limit > 0 && { textsMax: rowsMax }),
  }));
  const byName = new Map<string, string[]>();
  let count = 0;
  for await (const { name, texts } of pieces) {
    const known = byName.get(name);
    if (known === undefined) byName.set(name, [...texts]);
    else for (const text of texts) known.push(text);
    count += texts.length;
    if (count >= rowsMax && !reader.isJoined) break;
  }
  const names = reader.schemas.map(({ name }) => name);
  const keys = names.flatMap((name) => {
    const found = byName.get(name) ?? [];
    return reader.isJoined ? [...new Set(found)].sort(compareUtf8) : found;
  });
  const head = { columns: ['key'], isCut: true };
  return pagedSeries(statement, head, keys.map((key) => [key])); // prettier-ignore
}
