import { exactTextOf } from '../base/exact-text.ts';
import { FieldType, type FieldValue } from './field-value.ts';
import type { BatchColumn } from './point-batch.ts';

/** The value of a row of a column, which has values of that type. */
export function valueAt(type: FieldType, column: BatchColumn, row: number): FieldValue {
  if ('offsets' in column) {
    const { offsets, bytes } = column;
    return { type: 'string', value: exactTextOf(bytes.subarray(offsets[row], offsets[row + 1])) };
  }
  const value = column[row] ?? 0;
  switch (type) {
    case FieldType.float:
      return { type: 'float', value: Number(value) };
    case FieldType.integer:
      return { type: 'integer', value: BigInt(value) };
    case FieldType.unsigned:
      return { type: 'unsigned', value: BigInt(value) };
    case FieldType.boolean:
      return { type: 'boolean', value: value !== 0 };
    case FieldType.string:
      return { type: 'string', value: '' };
  }
}
