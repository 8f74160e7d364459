import { expect, test } from 'vitest';
import { timeParts } from '../../models/digest-grid.ts';
import { sumWords } from '../engine/digests/hash-values.ts';
import { digestWords } from '../engine/digests/shard-digest.ts';
import { differingParts } from './differing-parts.ts';

type Counted = readonly [seriesPart: number, timePart: number, mine: number, theirs: number];

/** Parts that differ; all others are equal, and full. */
function partsOf(...counted: readonly Counted[]) {
  const [own, other] = [0, 1].map((owner) => {
    const words = new Uint32Array(digestWords).fill(1_000);
    for (const [seriesPart, timePart, ...counts] of counted) {
      const at = (seriesPart * timeParts + timePart) * sumWords;
      words.set([counts[owner] ?? 0, owner, 0], at);
    }
    return words;
  });
  return differingParts(own, other).map(({ kind, seriesParts, timeMask, valueCount, differenceCount }) => [kind, seriesParts, timeMask, valueCount, differenceCount]); // prettier-ignore
}

test('differing parts: those of which one lacks little are looked at together, and those of which it lacks much by themselves', () => {
  expect(partsOf([0, 0, 1_000, 999], [3, 2, 500, 498], [5, 0, 100, 0], [6, 0, 50, 0])).toEqual([
    ['scattered', [0, 3], 0b101, 1_500, 3],
    ['dense', [5, 6], 0b1, 150, 150],
  ]);
  // One in eight is little still.
  expect(partsOf([1, 0, 80, 70])).toEqual([['scattered', [1], 1, 80, 10]]);
  expect(partsOf([1, 0, 79, 69])).toEqual([['dense', [1], 1, 79, 10]]);
  expect(differingParts(undefined, undefined)).toEqual([]);
});

test('differing parts: where as many are lacking on both sides they are taken to be more than is seen', () => {
  expect(partsOf([0, 0, 900, 900])).toEqual([['scattered', [0], 1, 900, 2]]);
  // One way each is seen.
  expect(partsOf([0, 0, 2_000, 1_990], [0, 1, 2_000, 1_980])).toEqual([['scattered', [0], 3, 4_000, 30]]); // prettier-ignore
  // Both ways a difference is the end of a walk, whose square it is; never more than there are.
  expect(partsOf([0, 0, 2_000, 1_990], [0, 1, 1_980, 2_000])).toEqual([['scattered', [0], 3, 4_000, 500]]); // prettier-ignore
  expect(partsOf([0, 0, 50, 30], [0, 1, 5_000, 5_020])).toEqual([['scattered', [0], 3, 5_070, 450]]); // prettier-ignore
  // Few that go the other way say nothing.
  expect(partsOf([0, 0, 5_000, 4_900], [0, 1, 4_996, 5_000])[0]?.[4]).toBe(104);
  expect(partsOf([0, 0, 5_000, 4_900], [0, 1, 4_995, 5_000])[0]?.[4]).toBe(5_025);
  expect(partsOf([0, 0, 4_900, 5_000], [0, 1, 5_000, 4_996])[0]?.[4]).toBe(104);
});

test('differing parts: no more are looked at together than a sketch tells apart, or than are held at once', () => {
  const scattered = (...counts: readonly number[]) =>
    partsOf(...counts.map((count, i) => [i, 0, 100_000, 100_000 - count] as const));
  expect(scattered(4_000, 4_192)).toEqual([['scattered', [0, 1], 1, 200_000, 8_192]]);
  expect(scattered(4_000, 4_193)).toEqual([
    ['scattered', [0], 1, 100_000, 4_000],
    ['scattered', [1], 1, 100_000, 4_193],
  ]);
  // Those of one series by themselves where they are too many together, and one that is by itself with all of its values.
  expect(partsOf([2, 0, 100_000, 95_000], [2, 1, 100_000, 95_000])).toEqual([
    ['scattered', [2], 1, 100_000, 5_000],
    ['scattered', [2], 2, 100_000, 5_000],
  ]);
  expect(partsOf([2, 0, 100_000, 91_000])).toEqual([['dense', [2], 1, 100_000, 9_000]]);
  expect(partsOf([0, 1, 600_000, 0], [1, 1, 400_000, 0], [2, 1, 1, 0], [3, 2, 1, 0])).toEqual([
    ['dense', [0, 1], 2, 1_000_000, 1_000_000],
    ['dense', [2], 2, 1, 1],
    ['dense', [3], 4, 1, 1],
  ]);
});
