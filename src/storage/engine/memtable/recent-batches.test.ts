import { expect, test } from 'vitest';
import { batchOf } from '../../../../test/support/store-script.ts';
import { decodePointBatch, type PointBatch } from '../../../models/point-batch.ts';
import { makeStamp, noStamp, stampBatch } from '../../../models/stamp.ts';
import { RecentBatches, RecentBudget } from './recent-batches.ts';

function stamped(ns: number): PointBatch {
  const payload = batchOf(`m f=${ns} ${ns}`);
  stampBatch(payload, makeStamp(BigInt(ns), 1));
  return decodePointBatch(payload);
}

test('recent batches: that one was taken is known for longer than what it had, and of so many at most', () => {
  const budget = new RecentBudget(1, 3);
  const [one, other] = [new RecentBatches(budget, noStamp), new RecentBatches(budget, noStamp)];
  const batches = [10, 20, 30, 40, 50].map(stamped);
  for (const [i, batch] of batches.entries()) (i === 0 ? other : one).add(batch, new Uint8Array(0));
  expect(batches.map(({ stamp }) => one.has(stamp) || other.has(stamp))).toEqual([false, false, true, true, true]); // prettier-ignore
  expect([...one.newerThan(noStamp, { minTimeNs: 0n, maxTimeNs: 100n })]).toEqual([]);
  expect(one.forgotten).toBe(makeStamp(50n, 1));
});
