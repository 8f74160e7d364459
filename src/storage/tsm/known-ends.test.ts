import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FieldType } from '../../models/field-value.ts';
import { KnownEnds, type EndValue } from './known-ends.ts';

const typed = fc.oneof(
  fc.double().map((value) => ({ type: FieldType.float, value })),
  fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n).map((value) => ({ type: FieldType.integer, value })),
  fc.bigInt(0n, 2n ** 64n - 1n).map((value) => ({ type: FieldType.unsigned, value })),
  fc.boolean().map((value) => ({ type: FieldType.boolean, value })),
);

test('known ends: each key has the first and the last value that it was given, and no other', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(typed, fc.option(typed), fc.boolean()), { minLength: 1 }),
      (keys) => {
        // prettier-ignore
        const ends = new KnownEnds(keys.length);
        for (const [i, [one, other, isFirst]] of keys.entries()) {
          ends.keep(i, isFirst, one.value);
          if (other?.type === one.type) ends.keep(i, !isFirst, other.value);
        }
        for (const [i, [one, other, isFirst]] of keys.entries()) {
          expect(ends.find(i, isFirst, one.type)).toBe(one.value);
          expect(ends.find(i, !isFirst, one.type)).toBe(other?.type === one.type ? other.value : undefined); // prettier-ignore
        }
      },
    ),
    { seed: 1 },
  );
});

test('known ends: a text is not kept', () => {
  const ends = new KnownEnds(1);
  const text: EndValue = Buffer.from('text');
  ends.keep(0, true, text);
  expect(ends.find(0, true, FieldType.string)).toBeUndefined();
});
