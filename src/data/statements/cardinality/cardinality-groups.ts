import { DbError } from '../../../base/errors.ts';
import { compareUtf8 } from '../../../base/compare-utf8.ts';
import type { Expr } from '../../../influxql/ast.ts';
import { compileRegex, regexCache } from '../../../influxql/regex.ts';
import { parseSeriesKey } from '../../../models/parse-series-key.ts';
import { compilePredicate } from '../../../query/compile/compile-predicate.ts';
import type { RowSeries } from '../../../query/emit/result.ts';
import { rewriteExpr } from '../../../query/plan/walk-expr.ts';
import { evaluate } from '../../../query/predicate.ts';
import { conditionTags } from '../schema/measurements-condition.ts';
import { pagedSeries } from '../schema/row-paging.ts';
import type { SchemaReader } from '../schema/schema-reader.ts';
import type { CardinalityQuery } from './cardinality-query.ts';
import { keyMatcher } from '../schema/show-tags.ts';
import { systemCondition } from '../schema/system-condition.ts';

type Tags = readonly (readonly [key: string, value: string])[];

/** One row of the answer: what was counted in series of one measurement with the same values of the grouping tags. */
interface Group {
  readonly name: string;
  readonly tags: Tags;
  readonly items: Set<string>;
}

/**
 * How many different series, measurements, tag keys or tag values there are, by measurement and GROUP BY. Measurements
 * are counted over all measurements at once, so their rows have no name.
 */
export async function countGroups(
  query: CardinalityQuery,
  reader: SchemaReader,
): Promise<readonly RowSeries[]> {
  const dimensions = tagDimensions(query.dimensions, reader);
  const groups = new Map<string, Group>();
  const itemsOf = itemReader(query);
  const conditionOf = systemCondition(query.condition, reader.schemas);
  const pieces = reader.list('series', (schema) => {
    return { predicate: compilePredicate(conditionOf(schema), schema) };
  });
  for await (const { name, texts } of pieces)
    for (const key of texts) {
      const { tags } = parseSeriesKey(key);
      const values = new Map(tags.map((tag) => [tag.key, tag.value]));
      const group = groupOf(groups, query.of === 'MEASUREMENT' ? '' : name, { dimensions, values });
      for (const item of itemsOf({ name, key, values })) group.items.add(item);
    }
  return [...groups.values()]
    .filter(({ items }) => items.size > 0)
    .sort(compareGroups)
    .flatMap(({ name, tags, items }) => {
      const head = { ...(name !== '' && { name }), columns: ['count'], isCut: true };
      const rows = pagedSeries(query, head, [[items.size]]);
      return rows.map((row) => (tags.length === 0 ? row : { ...row, tags }));
    });
}

interface CountedSeries {
  readonly name: string;
  readonly key: string;
  readonly values: ReadonlyMap<string, string>;
}

function itemReader(query: CardinalityQuery): (series: CountedSeries) => Iterable<string> {
  switch (query.of) {
    case 'MEASUREMENT':
      return ({ name }) => [name];
    case 'TAG KEY':
      return ({ values }) => values.keys();
    case 'TAG VALUES': {
      const matches = keyMatcher(query.keys);
      const holds = strictCondition(query.condition);
      return ({ values }) => {
        return [...values].flatMap(([key, value]) => {
          const isOwn = matches(key) && holds(new Map([...values, [keyTag, key]]));
          return isOwn ? [value] : [];
        });
      };
    }
    case 'SERIES':
    case 'FIELD KEY':
      return ({ key }) => [key];
  }
}

/** What a condition calls the key of the value at hand. */
const keyTag = '_tagKey';

/** A name that no line can give a tag. */
const noTag = '\n_name';

/** The reference asks the condition once more of the tags alone: what a series does not have is then unlike anything. */
function strictCondition(
  condition: Expr | undefined,
): (values: ReadonlyMap<string, string>) => boolean {
  if (condition === undefined) return () => true;
  // Tags are read as fields are, whatever they are cast to, and the measurement is none of them.
  const plain = rewriteExpr(condition, (part) =>
    part.kind === 'ref' ? { kind: 'ref', name: part.name === '_name' ? noTag : part.name } : part,
  );
  const fields = new Map([...conditionTags(plain)].map((name) => [name, 'string'] as const));
  const predicate = compilePredicate(plain, { name: '', fields, tagKeys: new Set() });
  const matcher = regexCache();
  return (values) =>
    predicate === undefined || evaluate(predicate, (name) => values.get(name) ?? null, matcher);
}

function groupOf(
  groups: Map<string, Group>,
  name: string,
  place: { readonly dimensions: readonly string[]; readonly values: ReadonlyMap<string, string> },
): Group {
  const { dimensions, values } = place;
  const tags = dimensions.map((key) => [key, values.get(key) ?? ''] as const);
  const id = JSON.stringify([name, tags]);
  const known = groups.get(id) ?? { name, tags, items: new Set<string>() };
  groups.set(id, known);
  return known;
}

function compareGroups(a: Group, b: Group): number {
  const byName = compareUtf8(a.name, b.name);
  if (byName !== 0) return byName;
  for (const [i, [, value]] of a.tags.entries()) {
    const order = compareUtf8(value, b.tags[i]?.[1] ?? '');
    if (order !== 0) return order;
  }
  return 0;
}

/** The tags of GROUP BY, sorted; `*` and patterns mean those of all measurements in question. */
export function tagDimensions(
  dimensions: readonly Expr[],
  reader: Pick<SchemaReader, 'schemas'>,
): readonly string[] {
  const all = new Set(reader.schemas.flatMap(({ tagKeys }) => [...tagKeys]));
  const names = dimensions.flatMap((expr) => {
    switch (expr.kind) {
      case 'ref':
        return [expr.name];
      case 'wildcard':
        return [...all];
      case 'regex':
        return [...all].filter(compileRegex(expr.source));
      default:
        throw new DbError('invalid_argument', 'only time and tag dimensions allowed');
    }
  });
  return [...new Set(names)].sort(compareUtf8);
}
