import { compareUtf8 } from '../../base/compare-utf8.ts';
import type { KeyCondition, SchemaQuery } from '../../influxql/ast.ts';
import { compileRegex } from '../../influxql/regex.ts';
import type { RowSeries } from '../../query/emit/result.ts';
import { pagedSeries } from './row-paging.ts';
import type { SchemaReader } from './schema-reader.ts';
import { seriesPredicate } from './series-condition.ts';

type TagQuery = SchemaQuery & { readonly keys?: KeyCondition | undefined };

/** SHOW TAG KEYS: of all series, which the schema knows, or of those that meet the condition. */
export async function showTagKeys(
  statement: TagQuery,
  reader: SchemaReader,
): Promise<readonly RowSeries[]> {
  const matches = keyMatcher(statement.keys);
  const found = await tagKeys(statement, reader);
  return reader.schemas.flatMap(({ name }) => {
    const rows = [...(found.get(name) ?? [])]
      .filter(matches)
      .sort(compareUtf8)
      .map((key) => [key]);
    return pagedSeries(statement, { name, columns: ['tagKey'] }, rows);
  });
}

async function tagKeys(
  { condition }: TagQuery,
  reader: SchemaReader,
): Promise<ReadonlyMap<string, Iterable<string>>> {
  const { schemas } = reader;
  if (condition === undefined) return new Map(schemas.map(({ name, tagKeys }) => [name, tagKeys]));
  const found = new Map<string, string[]>();
  const predicateOf = (schema: (typeof schemas)[number]) => ({
    predicate: seriesPredicate(condition, schema),
  });
  for await (const { name, texts } of reader.list('tag-keys', predicateOf))
    found.set(name, [...(found.get(name) ?? []), ...texts]);
  return found;
}

/** SHOW TAG VALUES: rows in order of key and value, which is how the lists come. */
export async function showTagValues(
  statement: TagQuery,
  reader: SchemaReader,
): Promise<readonly RowSeries[]> {
  const { condition } = statement;
  const matches = keyMatcher(statement.keys);
  const rows = new Map<string, (readonly string[])[]>();
  const pieces = reader.list('tag-values', (schema) => {
    const tagKeys = [...schema.tagKeys].filter(matches).sort(compareUtf8);
    return tagKeys.length === 0
      ? undefined
      : { tagKeys, predicate: seriesPredicate(condition, schema) };
  });
  for await (const { name, key, texts } of pieces) {
    const known = rows.get(name) ?? [];
    rows.set(name, known);
    for (const value of texts) known.push([key, value]);
  }
  return [...rows].flatMap(([name, found]) =>
    pagedSeries(statement, { name, columns: ['key', 'value'] }, found),
  );
}

/** WITH KEY as a question to one key. */
export function keyMatcher(condition: KeyCondition | undefined): (key: string) => boolean {
  if (condition === undefined) return () => true;
  const { operator, operand } = condition;
  switch (operand.kind) {
    case 'list': {
      const names = new Set(operand.names);
      return (key) => names.has(key);
    }
    case 'string':
      return (key) => (key === operand.value) === (operator === '=');
    case 'regex': {
      const matches = compileRegex(operand.source);
      return (key) => matches(key) === (operator === '=~');
    }
  }
}
