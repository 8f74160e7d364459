/** A batch whose shard was dropped, parted anew: its points may be of several shards that there are now. */
import type { FieldValue } from '../../../models/field-value.ts';
import { rowsInOrder, type BatchRow } from '../../../models/batch-rows.ts';
import { valueAt } from '../../../models/batch-value.ts';
import type { LinePoint } from '../../../models/line-protocol.ts';
import { parseSeriesKey } from '../../../models/parse-series-key.ts';
import { decodePointBatch, seriesKeysOf } from '../../../models/point-batch.ts';
import { PointSieve } from './point-sieve.ts';
import { routePoints, type LinesTask, type RoutedLines } from './route-lines.ts';

/** Plain data, as it crosses threads. */
export interface PartTask extends Pick<LinesTask, 'bounds' | 'groups' | 'groupDurationNs'> {
  readonly payload: Uint8Array;
}

/** In the slow form of a body's way: it is seldom asked for. The batches have no stamps. */
export function partBatch({ payload, bounds, ...places }: PartTask): RoutedLines {
  const batch = decodePointBatch(payload);
  const names = seriesKeysOf(batch).map(parseSeriesKey);
  const points = rowsInOrder(batch).map(({ shape, row }): LinePoint => {
    const { tags } = names[shape.series[row] ?? 0] ?? { tags: [] };
    const timeNs = shape.timesNs[row] ?? 0n;
    return { measurement: shape.measurement, tags, fields: fieldsOf({ shape, row }), timeNs };
  });
  const sieve = new PointSieve(bounds);
  const routed = routePoints(points, places, sieve);
  const { dropped, refused } = sieve;
  const batches = routed.unroutedNs.length > 0 ? [] : routed.batches;
  return { ...routed, batches, pointCount: points.length, dropped, refused, errors: '' };
}

function fieldsOf({ shape, row }: BatchRow): ReadonlyMap<string, FieldValue> {
  const fields = new Map<string, FieldValue>();
  for (const [i, { name, type }] of shape.fields.entries()) {
    const column = shape.columns[i];
    if (column !== undefined) fields.set(name, valueAt(type, column, row));
  }
  return fields;
}
