import { expect, test } from 'vitest';
import { batchOf } from '../../../../test/support/store-script.ts';
import { decodePointBatch, type PointBatch } from '../../../models/point-batch.ts';
import { makeStamp, noStamp, stampBatch, stampNs } from '../../../models/stamp.ts';
import { RecentBatches, RecentBudget } from './recent-batches.ts';

function stamped(ns: number, lines = `m f=${ns} ${ns}`): PointBatch {
  const payload = batchOf(lines);
  stampBatch(payload, makeStamp(BigInt(ns), 1));
  return decodePointBatch(payload);
}

test('recent batches: that one was taken is known for longer than what it had, and of so many at most', () => {
  const budget = new RecentBudget(1, 3);
  const [one, other] = [new RecentBatches(budget, noStamp), new RecentBatches(budget, noStamp)];
  const batches = [10, 20, 30, 40, 50].map((ns) => stamped(ns));
  for (const [i, batch] of batches.entries()) (i === 0 ? other : one).add(batch, new Uint8Array(0));
  expect(batches.map(({ stamp }) => one.has(stamp) || other.has(stamp))).toEqual([false, false, true, true, true]); // prettier-ignore
  expect([...one.newerThan(noStamp, { minTimeNs: 0n, maxTimeNs: 100n })]).toEqual([]);
  expect(one.forgotten).toBe(makeStamp(50n, 1));
});

test('recent batches: a late one is held against those alone that share a series with it, the latest first', () => {
  const budget = new RecentBudget(1_600);
  const recent = new RecentBatches(budget, noStamp);
  const none = new Uint8Array(0);
  const later = (): readonly number[] =>
    [...recent.over(stamped(15, 'm,t=a f=1 5\nm,t=b f=1 5'))].map(({ stamp }) => Number(stampNs(stamp))); // prettier-ignore
  recent.add(stamped(10, 'm,t=a f=1 5'), none);
  recent.add(stamped(20, 'm,t=a f=1 5'), none);
  recent.add(stamped(30, 'm,t=c f=1 5'), none);
  expect(later()).toEqual([20]);
  // Those that came since are among them, and what is of other times is not.
  recent.add(stamped(40, 'm,t=a f=1 5\nm,t=b f=1 5'), none);
  recent.add(stamped(50, 'm,t=b f=1 6'), none);
  expect(later()).toEqual([40]);
  expect(recent.forgotten).toBe(makeStamp(20n, 1));
  const wide = Array.from({ length: 100 }, (_, i) => `m,t=${i} f=1 5`).join('\n');
  const other = new RecentBatches(new RecentBudget(1 << 20), noStamp);
  other.add(stamped(20, wide), none);
  expect([...other.over(stamped(15, 'm,t=a f=1 5'))]).toHaveLength(1);
});

test('recent batches: a shard that has nobody to be equal to forgets its own alone', () => {
  const budget = new RecentBudget(1 << 20);
  const [one, other] = [new RecentBatches(budget, noStamp), new RecentBatches(budget, noStamp)];
  for (const of of [one, other, one]) of.add(stamped(10), new Uint8Array(0));
  one.forgetAll(noStamp);
  const all = { minTimeNs: 0n, maxTimeNs: 100n };
  expect([...one.newerThan(noStamp, all)]).toEqual([]);
  expect([...other.newerThan(noStamp, all)]).toHaveLength(1);
  expect(one.has(makeStamp(10n, 1))).toBe(true);
});
