import { expect, test } from 'vitest';
import { makeStamp, noStamp, stampBehind } from '../../../models/stamp.ts';
import {
  deletesOf,
  deleteText,
  forgottenUntil,
  withDelete,
  type StoredDelete,
} from './stored-deletes.ts';

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

test('stored deletes: one that another does not cover wholly is kept beside it', () => {
  const one = at(5n, { minTimeNs: 3n, maxTimeNs: 6n });
  const [earlier, later] = [makeStamp(4n, 1), makeStamp(6n, 1)];
  const others = [{ filter: 'n' }, { minTimeNs: 2n, maxTimeNs: 5n }, { minTimeNs: 2n, stamp: earlier }, { maxTimeNs: 7n, stamp: earlier }, { minTimeNs: 4n, stamp: later }, { maxTimeNs: 5n, stamp: later }]; // prettier-ignore
  for (const part of others) {
    const other = { ...one, ...part };
    expect(new Set(all(one, other))).toEqual(new Set([one, other]));
    expect(new Set(all(other, one))).toEqual(new Set([one, other]));
  }
  expect(all(one, { ...one, minTimeNs: 4n }, { ...one, maxTimeNs: 5n })).toEqual([one]);
});

test('stored deletes: what a shard may have forgotten is what is older than the first of as many as it keeps', () => {
  const many = (count: number, length = 1) => Array.from({ length: count }, (_, i) => at(BigInt(i + 1), { filter: 'x'.repeat(length) })); // prettier-ignore
  expect([forgottenUntil([]), forgottenUntil(many(255))]).toEqual([noStamp, noStamp]);
  expect(forgottenUntil(many(256))).toBe(makeStamp(1n, 1));
  expect([forgottenUntil(many(2, 65_536)), forgottenUntil(many(2, 65_537))]).toEqual([noStamp, makeStamp(1n, 1)]); // prettier-ignore
});

test('stored deletes: they are read as they were written, and nothing else is a list of them', () => {
  const deletes = [at(1n), at(5n, { minTimeNs: -(2n ** 63n), maxTimeNs: 2n ** 63n - 1n, filter: '' })]; // prettier-ignore
  const texts = deletes.map(deleteText);
  expect(deletesOf(JSON.parse(JSON.stringify(texts)))).toEqual(deletes);
  expect(deletesOf([])).toEqual([]);
  const others = [undefined, {}, 'text', [7], [['1', '2', '3']], [['1', '2', '3', 'f', 'g']], [['1', '2', 3, 'f']], [['1', '2', '3', 4]], [['1', 'x', '3', 'f']], [['', '2', '3', 'f']]]; // prettier-ignore
  for (const other of others) expect(deletesOf(other)).toBeUndefined();
});
