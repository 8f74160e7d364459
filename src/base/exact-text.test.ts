import { isUtf8 } from 'node:buffer';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compareUtf8 } from './compare-utf8.ts';
import { exactBytesOf, exactLengthOf, exactTextIn, exactTextOf } from './exact-text.ts';

/** Mostly of pieces that begin characters or go on in them: random bytes seldom do. */
const pieces = ['61', '2c', 'c3', 'a9', 'c3a9', 'e4', 'b8', 'ad', 'e4b8ad', 'f0', '9f', 'f09f9982', 'f09f9983', 'efbfbd', 'edb280', 'eda0bd', 'f4908080', 'c080', 'ff', '80']; // prettier-ignore
const anyBytes = fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  fc.array(fc.constantFrom(...pieces), { maxLength: 12 }).map((parts) => Buffer.from(parts.join(''), 'hex')), // prettier-ignore
);

test('exact text: any bytes come back', () => {
  fc.assert(
    fc.property(anyBytes, (one) => {
      const text = exactTextOf(one);
      expect([...exactBytesOf(text)]).toEqual([...one]);
      expect(exactTextIn(Buffer.from(one))).toBe(text);
      expect(exactLengthOf(text)).toBe(one.length);
      expect(text.isWellFormed()).toBe(isUtf8(one));
    }),
    { numRuns: 5_000, seed: 1 },
  );
});

test('exact text: in the order of its bytes', () => {
  fc.assert(
    fc.property(anyBytes, anyBytes, anyBytes, (head, one, other) => {
      const [left, right] = [one, other].map((tail) => Buffer.concat([head, tail]));
      if (left === undefined || right === undefined) return;
      const order = compareUtf8(exactTextOf(left), exactTextOf(right));
      expect(Math.sign(order)).toBe(Buffer.compare(left, right));
    }),
    { numRuns: 10_000, seed: 1 },
  );
});

test('exact text: UTF-8 is the text it is, with what is not in between', () => {
  for (const text of ['', 'a', 'grün 中 🙂', '\ufeffa', '\0', 'caf\ufffd'])
    expect(exactTextOf(new TextEncoder().encode(text))).toBe(text);
  expect(exactTextOf(Uint8Array.of(0xc3, 0xbc, 0xff, 0x61, 0xe4, 0xb8))).toBe(
    'ü\udcffa\udce4\udcb8',
  );
  // Half a pair that is no byte, as every encoder has it.
  expect([...exactBytesOf('\ud800\udbff')]).toEqual([0xef, 0xbf, 0xbd, 0xef, 0xbf, 0xbd]);
});
