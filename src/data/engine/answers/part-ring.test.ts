import { expect, test } from 'vitest';
import { MiB } from '../../../base/units.ts';
import { PartRing } from './part-ring.ts';

test.each([4, 20])(
  'part ring: a part keeps its bytes while %i behind it are on their way, and one more is made',
  (aheadMax) => {
    const ring = new PartRing(aheadMax);
    const parts: (Uint8Array | undefined)[] = [];
    for (let i = 0; i < 40; i++) {
      parts.push(ring.copyOf(Uint8Array.of(i, i)));
      // The reader has the first of these; the others wait for him, but for the one that is made.
      const kept = parts.slice(-(aheadMax + 2));
      expect(kept.map((part) => part?.[1])).toEqual(
        kept.map((_part, j) => i + 1 - kept.length + j),
      );
    }
    const memories = new Set(parts.map((part) => part?.buffer));
    expect(memories.size).toBe(aheadMax + 2);
  },
);

test('part ring: memory grows with the parts, up to a limit', () => {
  const ring = new PartRing(4);
  for (const lengthBytes of [10, 200_000, MiB, 10]) {
    const part = new Uint8Array(lengthBytes).fill(7);
    expect(ring.copyOf(part)).toEqual(new Uint8Array(new SharedArrayBuffer(lengthBytes)).fill(7));
  }
  expect(ring.copyOf(new Uint8Array(MiB + 1))).toBeUndefined();
});
