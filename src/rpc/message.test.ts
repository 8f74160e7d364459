import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeMessage, encodeMessage } from './message.ts';

test('message: plain data comes back the same, int64 exact', () => {
  const leaf = fc.oneof(
    fc.string(),
    fc.bigInt(-(2n ** 63n), 2n ** 64n - 1n),
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.uint8Array(),
    fc.bigInt64Array(),
    fc.float64Array(),
    fc.uint32Array(),
  );
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      leaf,
      fc.array(tie('value'), { maxLength: 4 }),
      fc.dictionary(fc.stringMatching(/^[a-z]{1,4}$/), tie('value'), { noNullPrototype: true }),
    ),
  }));
  fc.assert(
    fc.property(value, (one) => {
      expect(decodeMessage(encodeMessage(one))).toEqual(one);
    }),
    { seed: 1 },
  );
});

test('message: reads at any alignment', () => {
  const bytes = encodeMessage({ times: BigInt64Array.of(1n, -2n) });
  const shifted = new Uint8Array(bytes.length + 3);
  shifted.set(bytes, 3);
  expect(decodeMessage(shifted.subarray(3))).toEqual({ times: BigInt64Array.of(1n, -2n) });
});

test('message: anything else is corrupt, wherever it is cut', () => {
  const bytes = encodeMessage({ times: BigInt64Array.of(1n), of: 'x' });
  for (let end = 0; end < bytes.length - 1; end++) {
    expect(() => decodeMessage(bytes.subarray(0, end))).toThrow('message: ');
  }
  expect(() => decodeMessage(new Uint8Array(64))).toThrow('message: unknown format');
});
