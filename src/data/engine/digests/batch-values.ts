/** The values of a point batch, one by one, in the order of its rows. */
import { exactTextOf } from '../../../base/exact-text.ts';
import type { FieldValue } from '../../../models/field-value.ts';
import { rowsInOrder } from '../../../models/batch-rows.ts';
import { valueAt } from '../../../models/batch-value.ts';
import { decodePointBatch } from '../../../models/point-batch.ts';

/** One value of a field. */
export interface FoundValue {
  readonly key: string;
  readonly measurement: string;
  readonly field: string;
  readonly timeNs: bigint;
  readonly value: FieldValue;
}

export function* valuesOf(payload: Uint8Array): Generator<FoundValue> {
  const batch = decodePointBatch(payload);
  const { offsets, bytes } = batch.series;
  const keys = Array.from({ length: offsets.length - 1 }, (_, i) => exactTextOf(bytes.subarray(offsets[i], offsets[i + 1]))); // prettier-ignore
  for (const { shape, row } of rowsInOrder(batch))
    for (const [i, { name: field, type }] of shape.fields.entries()) {
      const column = shape.columns[i];
      if (column === undefined) continue;
      const key = keys[shape.series[row] ?? 0] ?? '';
      const timeNs = shape.timesNs[row] ?? 0n;
      yield {
        key,
        measurement: shape.measurement,
        field,
        timeNs,
        value: valueAt(type, column, row),
      };
    }
}
