import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SmallZipper } from './small-zipper.ts';

const bytesMax = 16_384;

test('small zipper: this Node has what it needs, and what is zipped one after the other comes out', () => {
  const zipper = new SmallZipper(bytesMax);
  expect(zipper.isReused).toBe(true);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 500 }), fc.nat(200), (bytes, times) => {
      const repeated = Buffer.concat(Array<Uint8Array>(times).fill(bytes)).subarray(0, bytesMax);
      expect(gunzipSync(zipper.zip(repeated)).equals(repeated)).toBe(true);
    }),
    { seed: 1 },
  );
});

test('small zipper: what was given stays, and the most that may come does not get too large', () => {
  const zipper = new SmallZipper(bytesMax);
  const random = Uint8Array.from({ length: bytesMax }, (_, i) => (i * 2_654_435_761) >>> 13);
  const first = zipper.zip(random);
  const second = zipper.zip(Buffer.from('a'.repeat(100)));
  expect(gunzipSync(first).equals(random)).toBe(true);
  expect(gunzipSync(second).toString()).toBe('a'.repeat(100));
});

test('small zipper: more than there is room for, and a Node without what it needs, are zipped all the same', () => {
  const random = Uint8Array.from({ length: 100_000 }, (_, i) => (i * 2_654_435_761) >>> 13);
  expect(gunzipSync(new SmallZipper(bytesMax).zip(random)).equals(random)).toBe(true);
  const without = new SmallZipper(bytesMax, { _handle: null });
  expect(without.isReused).toBe(false);
  expect(gunzipSync(without.zip(random)).equals(random)).toBe(true);
});
