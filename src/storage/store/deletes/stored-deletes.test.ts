import { expect, test } from 'vitest';
import { makeStamp, stampBehind } from '../../../models/stamp.ts';
import { withDelete, type StoredDelete } from './stored-deletes.ts';

const dayNs = 86_400_000_000_000n;

function at(ns: bigint, more: Partial<StoredDelete> = {}): StoredDelete {
  return { stamp: makeStamp(ns, 1), minTimeNs: 0n, maxTimeNs: 9n, filter: 'm', ...more };
}

function all(...deletes: readonly StoredDelete[]): readonly StoredDelete[] {
  return deletes.reduce<readonly StoredDelete[]>(withDelete, []);
}

test('stored deletes: they are in order of their stamps, whatever the order they came in', () => {
  const [one, two, three] = [at(1n), at(2n, { filter: 'n' }), at(3n, { maxTimeNs: 5n })];
  expect(all(three, one, two)).toEqual([one, two, three]);
});

test('stored deletes: what a later one covers is not kept, and what covers less is', () => {
  expect(all(at(1n), at(2n))).toEqual([at(2n)]);
  expect(all(at(2n), at(1n))).toEqual([at(2n)]);
  expect(all(at(2n), at(2n))).toEqual([at(2n)]);
  const narrow = at(3n, { minTimeNs: 1n });
  expect(all(at(2n), narrow)).toEqual([at(2n), narrow]);
  expect(all(narrow, at(4n))).toEqual([at(4n)]);
});

test('stored deletes: number, length and age are bounded, and the oldest go', () => {
  const many = Array.from({ length: 300 }, (_, i) => at(BigInt(i), { filter: `m${i}` }));
  expect(all(...many)).toEqual(many.slice(-256));
  const long = Array.from({ length: 4 }, (_, i) => at(BigInt(i), { filter: `${i}`.repeat(100_000) })); // prettier-ignore
  expect(all(...long)).toEqual(long.slice(-2));
  expect(all(at(1n, { filter: 'x'.repeat(300_000) }))).toEqual([]);
  const [old, kept, now] = [at(0n), at(dayNs, { filter: 'n' }), at(9n * dayNs, { filter: 'o' })];
  expect(all(old, kept, now)).toEqual([kept, now]);
});

test('stored deletes: one that overtakes what a clock that was ahead has written makes none of the others old', () => {
  const before = at(0n);
  const ahead = makeStamp(400n * dayNs, 2);
  const overtaking = at(0n, { stamp: stampBehind(ahead, makeStamp(1n, 1)), filter: 'n' });
  const now = at(9n, { filter: 'o' });
  expect(all(before, overtaking, now)).toEqual([before, now, overtaking]);
  // They are as old as they were.
  expect(all(before, overtaking, at(9n * dayNs, { filter: 'o' }))).not.toContainEqual(before);
});
