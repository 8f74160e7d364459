import { expect, test } from 'vitest';
import { FieldType } from '../../../models/field-value.ts';
import { decodeFieldTypes, encodeFieldTypes } from './field-types-record.ts';

test('records of types: they are read as they were written, and what is none is damage', () => {
  const fields = Object.values(FieldType).map((type, i) => ({ measurement: 'm\u00fc', name: `f${i}`, type })); // prettier-ignore
  expect(decodeFieldTypes(encodeFieldTypes(fields))).toEqual(fields);
  expect(decodeFieldTypes(encodeFieldTypes([]))).toEqual([]);
  const others = [{}, [7], [null], [['m', 'f']], [['m', 7, FieldType.float]], [[7, 'f', FieldType.float]], [['m', 'f', 99]]]; // prettier-ignore
  for (const other of others)
    expect(() => decodeFieldTypes(new TextEncoder().encode(JSON.stringify(other)))).toThrow('a record of types'); // prettier-ignore
});
