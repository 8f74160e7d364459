import { DbError } from '../../../base/errors.ts';
import { HyperLogLog } from '../../../base/collections/hyper-log-log.ts';
import type { CardinalityOf } from '../../../influxql/ast.ts';
import { findDatabase } from '../../../meta/model/catalog.ts';
import { compilePredicate } from '../../../query/compile/compile-predicate.ts';
import type { MeasurementSchema } from '../../../query/compile/schema.ts';
import type { RowSeries } from '../../../query/emit/result.ts';
import type { CardinalityQuery } from './cardinality-query.ts';
import { countGroups } from './cardinality-groups.ts';
import { countTagValues } from './count-tag-values.ts';
import { countFieldKeys } from './field-key-cardinality.ts';
import { pagedSeries } from '../schema/row-paging.ts';
import type { SchemaReader } from '../schema/schema-reader.ts';
import { systemCondition } from '../schema/system-condition.ts';
import {
  databaseScope,
  isNameless,
  measurementsOf,
  sourceScopes,
  type SchemaScope,
  type ScopePlace,
} from '../schema/schema-scope.ts';

type Read = <T>(
  scopes: readonly SchemaScope[],
  run: (reader: SchemaReader) => Promise<T>,
) => Promise<T>;

const estimated = 'cardinality estimation';

/**
 * SHOW ... CARDINALITY (F70). Series are estimated by sketches where no clause asks for more, and counted otherwise;
 * measurements of a whole database are known. The counts are those of the SELECTs that the reference runs.
 */
export async function showCardinality(
  query: CardinalityQuery,
  place: ScopePlace,
  read: Read,
): Promise<readonly RowSeries[]> {
  const isSketched = (query.of === 'SERIES' || query.of === 'MEASUREMENT') && !query.exact;
  if (isSketched && isWhole(query)) {
    // The reference asks its store, which has no series of a database that is not there.
    if (place.database !== '' && findDatabase(place.catalog, place.database) === undefined)
      return [{ kind: 'rows', columns: [estimated], rows: [[0]] }];
    const scope = databaseScope(place, []);
    const count = await read([scope], (reader) => wholeEstimate(query.of, reader));
    return [{ kind: 'rows', columns: [estimated], rows: [[count]] }];
  }
  if (query.of !== 'FIELD KEY' && measurementsOf(query.sources).some(isNameless))
    throw new DbError('invalid_argument', 'invalid measurement');
  // What names are read of has the time 0.
  const { minNs = 0n, maxNs = 0n } = place.range;
  if (minNs > 0n || maxNs < 0n) return [];
  const { dimensions, limit, offset } = query;
  const isPlain = dimensions.length === 0 && limit === 0 && offset === 0;
  return read(sourceScopes(place, query.sources), (reader) => {
    if (query.of === 'FIELD KEY') return countFieldKeys(query, reader);
    if (query.of === 'SERIES' && isSketched && isPlain) return estimateSeries(query, reader);
    if (dimensions.length > 0 || reader.isJoined) return countGroups(query, reader);
    if (query.of === 'SERIES') return countSeries(query, reader);
    const isOfAll = query.of === 'TAG VALUES' && query.condition === undefined;
    return isOfAll ? countTagValues(query, reader) : countGroups(query, reader);
  });
}

/** Of a condition that names the time: throws for all that know none, before it is looked at. */
export function checkTimeless({ of }: Pick<CardinalityQuery, 'of'>): void {
  if (of === 'TAG VALUES') return;
  const what = of === 'FIELD KEY' ? 'FIELD KEY' : `${of} EXACT`;
  throw new DbError('invalid_argument', `SHOW ${what} CARDINALITY doesn't support time in WHERE clause`); // prettier-ignore
}

function isWhole({
  sources,
  condition,
  dimensions,
  limit,
  offset,
  hasTime,
}: CardinalityQuery): boolean {
  const hasClause = hasTime || condition !== undefined || sources.length > 0;
  return !hasClause && dimensions.length === 0 && limit === 0 && offset === 0;
}

async function wholeEstimate(of: CardinalityOf, reader: SchemaReader): Promise<number> {
  if (of === 'MEASUREMENT') return reader.schemas.length;
  const whole = new HyperLogLog();
  if (reader.isBound) {
    const pieces = reader.list('series-sketch', () => ({ predicate: undefined }));
    for await (const { sketch } of pieces)
      if (sketch !== undefined) whole.merge(HyperLogLog.unpack(sketch));
    return whole.estimate();
  }
  for await (const sketch of reader.wholeSketches()) whole.merge(HyperLogLog.unpack(sketch));
  return whole.estimate();
}

async function estimateSeries(
  { condition }: CardinalityQuery,
  reader: SchemaReader,
): Promise<readonly RowSeries[]> {
  const sketches = new Map<string, HyperLogLog>();
  const conditionOf = systemCondition(condition, reader.schemas);
  const pieces = reader.list('series-sketch', (schema) => {
    return { predicate: compilePredicate(conditionOf(schema), schema) };
  });
  for await (const { name, sketch } of pieces) {
    if (sketch === undefined) continue;
    const known = sketches.get(name) ?? new HyperLogLog();
    sketches.set(name, known);
    known.merge(HyperLogLog.unpack(sketch));
  }
  return reader.schemas.flatMap(({ name }): RowSeries[] => {
    const count = sketches.get(name)?.estimate() ?? 0;
    if (count === 0) return [];
    return [{ kind: 'rows', name, columns: [estimated], rows: [[count]], isCut: true }];
  });
}

/** Lists of one scope have each series once: nothing need be kept to count them. */
async function countSeries(
  query: CardinalityQuery,
  reader: SchemaReader,
): Promise<readonly RowSeries[]> {
  const counts = new Map<string, number>();
  const conditionOf = systemCondition(query.condition, reader.schemas);
  const choose = (schema: MeasurementSchema) => {
    return { predicate: compilePredicate(conditionOf(schema), schema) };
  };
  for await (const { name, texts } of reader.list('series', choose, () => false))
    counts.set(name, (counts.get(name) ?? 0) + texts.length);
  return [...counts].flatMap(([name, count]) =>
    pagedSeries(query, { name, columns: ['count'], isCut: true }, [[count]]),
  );
}
