import { expect, test } from 'vitest';
import { medianOf } from './ordered-values.ts';

test('the mean of two unsigned numbers in the middle does not wrap, that of signed ones does', () => {
  expect(medianOf(BigUint64Array.of(15n, 18446744073709551607n))).toBe(9223372036854775811);
  expect(medianOf(BigUint64Array.of(4n, 1n, 7n, 2n))).toBe(3);
  expect(medianOf(BigInt64Array.of(-9223372036854775808n, 9223372036854775807n))).toBe(-9223372036854775808.5); // prettier-ignore
});
