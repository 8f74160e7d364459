import { compareUtf8 } from '../../../base/compare-utf8.ts';
import type { MeasurementSchema } from '../../../query/compile/schema.ts';
import type { RowSeries } from '../../../query/emit/result.ts';
import { pagedSeries } from '../schema/row-paging.ts';
import type { SchemaReader } from '../schema/schema-reader.ts';
import { keyMatcher } from '../schema/show-tags.ts';
import type { CardinalityQuery } from './cardinality-query.ts';

/**
 * How many different values tags have, by measurement, where all series count: by the lists of the index, no series is looked at.
 * A value that several tags have is one, as in the reference (F70). To be asked of one scope, whose lists have each value once.
 */
export async function countTagValues(
  query: CardinalityQuery,
  reader: SchemaReader,
): Promise<readonly RowSeries[]> {
  const matches = keyMatcher(query.keys);
  const counts = new Map<string, number>();
  /** Those of measurements of which several tags are asked for. */
  const valuesOf = new Map<string, Set<string>>();
  const choose = ({ name, tagKeys: known }: MeasurementSchema) => {
    const tagKeys = [...known].filter(matches).sort(compareUtf8);
    if (tagKeys.length > 1) valuesOf.set(name, new Set());
    return tagKeys.length === 0 ? undefined : { tagKeys };
  };
  const pieces = reader.list('tag-values', choose, (name) => valuesOf.has(name));
  for await (const { name, texts } of pieces) {
    const values = valuesOf.get(name);
    if (values !== undefined) for (const value of texts) values.add(value);
    counts.set(name, values?.size ?? (counts.get(name) ?? 0) + texts.length);
  }
  return [...counts].flatMap(([name, count]) =>
    pagedSeries(query, { name, columns: ['count'], isCut: true }, [[count]]),
  );
}
