import { expect, test } from 'vitest';
import fc from 'fast-check';
import { Prng } from '../../../base/prng.ts';
import { cellCountFor, DifferenceSketch, readDifference } from './difference-sketch.ts';

function sketchOf(hashes: readonly number[], table: number, cellCount: number): DifferenceSketch {
  const sketch = new DifferenceSketch(table, cellCount);
  for (const hash of hashes) sketch.add(hash);
  const read = DifferenceSketch.of(sketch.bytes, table, cellCount);
  if (read === undefined) throw new Error('its own bytes are not taken');
  return read;
}

function difference(left: readonly number[], right: readonly number[], tables: readonly number[]) {
  return readDifference(tables.map((cells, i) => sketchOf(left, i, cells).minus(sketchOf(right, i, cells)))); // prettier-ignore
}

function drawn(seed: number, count: number): number[] {
  const random = Prng.fromSeed(seed);
  return [...new Set(Array.from({ length: count }, () => random.u32()))];
}

const ascending = (hashes: readonly number[]): number[] => [...Uint32Array.from(hashes).sort()];

test('difference sketch: what only one of two sets has is read, whatever both have', () => {
  const hash = fc.integer({ min: 0, max: 0xffffffff });
  fc.assert(
    fc.property(
      fc.uniqueArray(hash, { maxLength: 200 }),
      fc.uniqueArray(hash, { maxLength: 30 }),
      fc.uniqueArray(hash, { maxLength: 30 }),
      (both, more, less) => {
        const rest = more.filter((one) => !both.includes(one));
        const other = less.filter((one) => !both.includes(one) && !rest.includes(one));
        const cells = cellCountFor(rest.length + other.length);
        // Four tables: that one does not suffice happens, that all do not does not.
        const found = difference([...both, ...rest], [...both, ...other], [cells, cells, cells * 4, cells * 4]); // prettier-ignore
        expect([...(found?.more ?? [-1])]).toEqual(ascending(rest));
        expect([...(found?.less ?? [-1])]).toEqual(ascending(other));
      },
    ),
    { numRuns: 300, seed: 11 },
  );
});

test.each([0, 1, 10, 300, 2_000, 8_000])(
  'difference sketch: one table mostly suffices for the %i differences that it is made for, and two for more',
  (count) => {
    const cells = cellCountFor(count);
    let readCount = 0;
    for (let seed = 1; seed <= 20; seed++) {
      const hashes = drawn(seed, count + 1_000);
      const [both, rest] = [hashes.slice(0, 1_000), hashes.slice(1_000)];
      const left = [...both, ...rest.filter((_, i) => i % 2 === 0)];
      const right = [...both, ...rest.filter((_, i) => i % 2 === 1)];
      const one = difference(left, right, [cells]);
      if (one !== undefined) readCount++;
      const found = one ?? difference(left, right, [cells, cells]);
      expect(found?.more.length).toBe(left.length - both.length);
      expect(found?.less.length).toBe(right.length - both.length);
    }
    expect(readCount).toBeGreaterThanOrEqual(17);
  },
);

test('difference sketch: of far more differences than it is made for it says that it cannot tell, and ends', () => {
  for (const count of [50, 1_000, 20_000])
    expect(difference(drawn(count, count), [], [cellCountFor(10), 30])).toBeUndefined();
  const noise = new DifferenceSketch(0, 300);
  const random = Prng.fromSeed(3);
  for (let cell = 0; cell < 300; cell++) {
    noise.sums[cell] = random.u32();
    noise.counts[cell] = random.u32() & 15;
  }
  expect(readDifference([noise])).toBeUndefined();
  expect(DifferenceSketch.of(new Uint8Array(7), 0, 3)).toBeUndefined();
});
