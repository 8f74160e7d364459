import { compareUtf8 } from '../../../base/compare-utf8.ts';
import type { KeyCondition, SchemaQuery } from '../../../influxql/ast.ts';
import { compileRegex } from '../../../influxql/regex.ts';
import type { MeasurementSchema } from '../../../query/compile/schema.ts';
import type { RowSeries } from '../../../query/emit/result.ts';
import { pagedSeries, rowsOfPage } from './row-paging.ts';
import type { SchemaReader } from './schema-reader.ts';
import { tagCondition, type TagCondition } from './tag-condition.ts';
import { refuseTermsOfPoints, tagSeries } from './tag-series.ts';

type TagQuery = SchemaQuery & { readonly keys?: KeyCondition | undefined };

/** SHOW TAG KEYS: of all series, which the schema knows, or of those that meet the condition. */
export async function showTagKeys(
  statement: TagQuery,
  reader: SchemaReader,
): Promise<readonly RowSeries[]> {
  const condition = tagCondition(statement.condition);
  const matches = keyMatcher(statement.keys);
  const isShown = (key: string) => matches(key) && condition.isKey(key);
  await refuseTermsOfPoints(condition.rest, reader, hasKey(condition, isShown));
  const found = await tagKeys(condition, reader, isShown);
  const series: RowSeries[] = [];
  for (const { name } of reader.schemas) {
    const rest = reader.rest();
    if (rest !== undefined) await rest;
    if (!condition.isNamed(name)) continue;
    const rows = [...(found.get(name) ?? [])].filter(isShown).sort(compareUtf8).map((key) => [key]); // prettier-ignore
    series.push(...pagedSeries(statement, { name, columns: ['tagKey'] }, rows));
  }
  return series;
}

async function tagKeys(
  { isNamed, isValue, rest }: TagCondition,
  reader: SchemaReader,
  isShown: (key: string) => boolean,
): Promise<ReadonlyMap<string, Iterable<string>>> {
  const { schemas } = reader;
  if (rest === undefined && isValue === undefined && !reader.isBound)
    return new Map(schemas.map(({ name, tagKeys }) => [name, tagKeys]));
  const found = new Map<string, Set<string>>();
  const pieces = reader.list(isValue === undefined ? 'tag-keys' : 'tag-values', (schema) => {
    const tagKeys = isValue && [...schema.tagKeys].filter(isShown).sort(compareUtf8);
    if (!isNamed(schema.name) || tagKeys?.length === 0) return undefined;
    return { predicate: tagSeries(rest, schema), ...(tagKeys !== undefined && { tagKeys }) };
  });
  for await (const { name, key, texts } of pieces) {
    const known = found.get(name) ?? new Set();
    found.set(name, known);
    if (isValue === undefined) for (const text of texts) known.add(text);
    else if (await hasValue(texts, isValue, reader)) known.add(key);
  }
  return found;
}

async function hasValue(
  texts: readonly string[],
  isValue: (value: string) => boolean,
  reader: SchemaReader,
): Promise<boolean> {
  for (const text of texts) {
    const rest = reader.rest();
    if (rest !== undefined) await rest;
    if (isValue(text)) return true;
  }
  return false;
}

/** SHOW TAG VALUES: rows in order of key and value, which is how the lists come. */
export async function showTagValues(
  statement: TagQuery,
  reader: SchemaReader,
): Promise<readonly RowSeries[]> {
  const condition = tagCondition(statement.condition);
  const { isNamed, isKey, isValue, rest } = condition;
  const matches = keyMatcher(statement.keys);
  const isShown = (key: string) => matches(key) && isKey(key);
  await refuseTermsOfPoints(rest, reader, hasKey(condition, isShown));
  const rows = new Map<string, (readonly string[])[]>();
  // Of each key no more values can be in the page of a measurement.
  const { limit, offset } = statement;
  const isCut = limit > 0 && isValue === undefined;
  const pieces = reader.list('tag-values', (schema) => {
    const tagKeys = [...schema.tagKeys].filter(isShown).sort(compareUtf8); // prettier-ignore
    return tagKeys.length === 0 || !isNamed(schema.name)
      ? undefined
      : {
          tagKeys,
          predicate: tagSeries(rest, schema),
          ...(isCut && { textsMax: rowsOfPage({ limit, offset }) }),
        };
  });
  for await (const { name, key, texts } of pieces) {
    const known = rows.get(name) ?? [];
    rows.set(name, known);
    if (isValue === undefined) for (const value of texts) known.push([key, value]);
    else
      for (const value of texts) {
        const turn = reader.rest();
        if (turn !== undefined) await turn;
        if (isValue(value)) known.push([key, value]);
      }
  }
  return [...rows].flatMap(([name, found]) =>
    pagedSeries(statement, { name, columns: ['key', 'value'] }, found),
  );
}

/** Measurements without a key that is asked for are not looked at, whatever the condition says of their series. */
function hasKey(
  { isNamed }: TagCondition,
  isShown: (key: string) => boolean,
): (schema: MeasurementSchema) => boolean {
  return ({ name, tagKeys }) => isNamed(name) && [...tagKeys].some(isShown);
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
