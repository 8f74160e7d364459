import fc from 'fast-check';
import { expect, test } from 'vitest';
import { exactBytesOf, exactTextOf } from './exact-text.ts';

test('exact text: any bytes come back', () => {
  const bytes = fc.uint8Array({ maxLength: 40 });
  fc.assert(
    fc.property(bytes, (one) => {
      expect([...exactBytesOf(exactTextOf(one))]).toEqual([...one]);
    }),
    { numRuns: 2_000, seed: 1 },
  );
});

test('exact text: UTF-8 is the text it is, with what is not in between', () => {
  for (const text of ['', 'a', 'grün 中 🙂', '\ufeffa', '\0'])
    expect(exactTextOf(new TextEncoder().encode(text))).toBe(text);
  expect(exactTextOf(Uint8Array.of(0xc3, 0xbc, 0xff, 0x61, 0xe4, 0xb8))).toBe(
    'ü\udcffa\udce4\udcb8',
  );
});
