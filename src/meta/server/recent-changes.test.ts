import { expect, test } from 'vitest';
import { MiB } from '../../base/units.ts';
import { RecentChanges } from './recent-changes.ts';

/** Of entries of the log that are changes, of so many bytes each. */
function changesOf(indexes: readonly number[], lengthBytes = 1): RecentChanges {
  const changes = new RecentChanges();
  for (const index of indexes) changes.add({ index, command: new Uint8Array(lengthBytes) });
  return changes;
}

function indexesSince(changes: RecentChanges, index: number): readonly number[] | undefined {
  return changes.since(index)?.changes.map((one) => one.index);
}

test('recent changes: whoever has a catalog gets what came behind it, all of it and nothing twice', () => {
  // Other entries of the log lie between.
  const indexes = [2, 3, 5, 9];
  const changes = changesOf(indexes);
  for (let index = 0; index <= 10; index++)
    expect(changes.since(index)).toMatchObject({
      changes: indexes.filter((one) => one > index).map((one) => ({ index: one })),
      isAll: true,
    });
});

test('recent changes: a message has at most a megabyte, and one change at the least', () => {
  const changes = changesOf([1, 2, 3, 4, 5], MiB / 2);
  expect(indexesSince(changes, 0)).toEqual([1, 2]);
  expect(changes.since(0)?.isAll).toBe(false);
  expect(indexesSince(changes, 2)).toEqual([3, 4]);
  expect(changes.since(4)).toMatchObject({ changes: [{ index: 5 }], isAll: true });
  expect(indexesSince(changesOf([1, 2], 2 * MiB), 0)).toEqual([1]);
});

test('recent changes: what is forgotten, or was replaced by a snapshot, is told as that', () => {
  const changes = changesOf(
    Array.from({ length: 17 }, (_, i) => i + 1),
    MiB,
  );
  // More than twice eight megabytes: the latest eight are left.
  expect([changes.since(8), indexesSince(changes, 9)]).toEqual([undefined, [10]]);
  expect(indexesSince(changes, 16)).toEqual([17]);
  // What was forgotten no longer counts: small ones that follow push nothing out.
  changes.add({ index: 18, command: new Uint8Array(1) });
  expect(indexesSince(changes, 9)).toEqual([10]);
  expect(indexesSince(changes, 17)).toEqual([18]);
  changes.reset(20);
  expect([changes.since(19), indexesSince(changes, 20)]).toEqual([undefined, []]);
  changes.add({ index: 21, command: new Uint8Array(1) });
  expect(indexesSince(changes, 20)).toEqual([21]);
});

test('recent changes: however small they are, no more than some ten thousand are kept', () => {
  const changes = changesOf(Array.from({ length: 2 * 16_384 + 1 }, (_, i) => i + 1));
  const first = 2 * 16_384 + 1 - 16_384;
  expect(changes.since(first - 1)).toBeUndefined();
  expect(indexesSince(changes, first)).toHaveLength(16_384);
});

test('recent changes: one that is larger than all that is kept is there until the next', () => {
  const changes = changesOf([1, 2], 17 * MiB);
  expect(indexesSince(changes, 1)).toEqual([2]);
  expect(changes.since(0)).toBeUndefined();
});
