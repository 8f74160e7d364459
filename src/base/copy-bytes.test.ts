import fc from 'fast-check';
import { expect, test } from 'vitest';
import { copyBytes } from './copy-bytes.ts';

const makers = [
  (lengthBytes: number) => new ArrayBuffer(lengthBytes),
  (lengthBytes: number) => new SharedArrayBuffer(lengthBytes),
];

test('copies of all lengths and places: as TypedArray.set makes them, and nothing beside', () => {
  const length = fc.oneof(fc.nat(64), fc.integer({ min: 2_040, max: 2_056 }), fc.nat(70_000));
  const some = fc.nat(40);
  const memory = fc.constantFrom(...makers);
  const cases = fc.record({ length, before: some, at: some, behind: some, source: memory, target: memory }); // prettier-ignore
  fc.assert(
    fc.property(cases, ({ length, before, at, behind, source, target }) => {
      const from = new Uint8Array(source(before + length + behind), before, length);
      for (let i = 0; i < length; i++) from[i] = (i * 31 + 7) % 251;
      const to = new Uint8Array(target(before + at + length + behind), before).fill(255);
      const expected = Uint8Array.from(to);
      expected.set(from, at);
      copyBytes(to, from, at);
      expect(Buffer.compare(to, expected)).toBe(0);
      expect(new Uint8Array(to.buffer, 0, before).every((byte) => byte === 0)).toBe(true);
    }),
    { numRuns: 300, seed: 1 },
  );
});

test('copies beyond the end of where they go: refused, as TypedArray.set does', () => {
  for (const make of makers) {
    const to = new Uint8Array(make(4_000));
    expect(() => {
      copyBytes(to, new Uint8Array(new SharedArrayBuffer(4_000)), 1);
    }).toThrow(RangeError);
    expect(to.every((byte) => byte === 0)).toBe(true);
  }
});
