import { compareUtf8 } from '../../../base/compare-utf8.ts';
import { sortTexts } from '../../../base/sort-texts.ts';
import type { SchemaQuery } from '../../../influxql/ast.ts';
import { areKeysAmbiguous, compareSeriesKeys } from '../../../models/compare-series-keys.ts';
import { compilePredicate } from '../../../query/compile/compile-predicate.ts';
import type { RowSeries } from '../../../query/emit/result.ts';
import { pagedSeries, rowsOfPage } from './row-paging.ts';
import type { SchemaReader } from './schema-reader.ts';
import { checkIndexOperators, seriesPredicate } from './series-condition.ts';
import { systemCondition } from './system-condition.ts';

/**
 * SHOW SERIES: in the order of measurements, then tag by tag. With bounds of time the condition is that of a SELECT, and the
 * order that of the keys' bytes, as in the reference. Reading ends with the last row of the page, which is chosen by the bytes of
 * the keys unless the names of the tags tell that they stand in another order.
 */
export async function showSeries(
  statement: SchemaQuery,
  reader: SchemaReader,
  { isTimed }: { readonly isTimed: boolean },
): Promise<readonly RowSeries[]> {
  const { condition, limit } = statement;
  const rowsMax = limit === 0 ? Infinity : rowsOfPage(statement);
  if (!isTimed && condition !== undefined && reader.hasShards) checkIndexOperators(condition);
  const conditionOf = systemCondition(condition, reader.schemas);
  const pieces = reader.list('series', (schema) => ({
    predicate: isTimed
      ? compilePredicate(conditionOf(schema), schema)
      : seriesPredicate(condition, schema),
    ...(limit > 0 && (isTimed || !areKeysAmbiguous(schema.tagKeys)) && { textsMax: rowsMax }),
  }));
  const byName = new Map<string, string[]>();
  let count = 0;
  let last = '';
  for await (const { name, texts } of pieces) {
    // Of those before it all have come.
    if (count >= rowsMax && name !== last && !reader.isJoined) break;
    last = name;
    const known = byName.get(name);
    if (known === undefined) byName.set(name, [...texts]);
    else for (const text of texts) known.push(text);
    count += texts.length;
  }
  const keys: string[] = [];
  for (const { name } of reader.schemas) {
    const found = byName.get(name) ?? [];
    const all = reader.isJoined ? [...new Set(found)] : found;
    const sorting = inOrder(all, isTimed ? compareUtf8 : compareSeriesKeys);
    let step = sorting.next();
    for (; step.done !== true; step = sorting.next()) {
      const rest = reader.rest();
      if (rest !== undefined) await rest;
    }
    for (const key of step.value) keys.push(key);
  }
  const head = { columns: ['key'], isCut: true };
  return pagedSeries(statement, head, keys.map((key) => [key])); // prettier-ignore
}

const keysAtOnce = 4_096;

/** In slices. They come in the order of their bytes, which most often is the one that is asked for. */
function* inOrder(
  keys: readonly string[],
  compare: (left: string, right: string) => number,
): Generator<undefined, readonly string[]> {
  for (let i = 1; i < keys.length; i++) {
    if (i % keysAtOnce === 0) yield undefined;
    if (compare(keys[i - 1] ?? '', keys[i] ?? '') > 0) return yield* sortTexts(keys, compare);
  }
  return keys;
}
