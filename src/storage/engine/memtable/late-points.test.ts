import { expect, test } from 'vitest';
import { decodePointBatch, type PointBatch } from '../../../models/point-batch.ts';
import { PointBatchBuilder } from '../../../models/point-batch-builder.ts';
import { makeStamp, noStamp, stampBatch } from '../../../models/stamp.ts';
import { withoutOlder } from './late-points.ts';
import { RecentBatches, RecentBudget } from './recent-batches.ts';

const none = new Uint8Array();

function batchOf(stampNs: bigint, timesNs: readonly bigint[]): PointBatch {
  const builder = new PointBatchBuilder();
  for (const timeNs of timesNs)
    builder.add('cpu', { measurement: 'cpu', tags: [], fields: new Map([['idle', { type: 'float', value: 1 }]]), timeNs }); // prettier-ignore
  const payload = builder.finish();
  stampBatch(payload, makeStamp(stampNs, 1));
  return decodePointBatch(payload);
}

test('late points: a batch that was overtaken by one of other times is taken as it is', () => {
  const recent = new RecentBatches(new RecentBudget(1 << 20), noStamp);
  recent.add(batchOf(9n, [30n, 40n]), none);
  const late = batchOf(5n, [10n, 20n]);
  const context = { recent, parts: [], struck: [] };
  expect(withoutOlder(late, none, context)).toEqual({ batch: late, unclearCount: 0, leftCount: 0 });
  expect(withoutOlder(late, none, context).batch).toBe(late);
  // Of one time they have in common the later one counts.
  const meeting = batchOf(5n, [20n, 30n]);
  const kept = withoutOlder(meeting, none, context).batch;
  expect([...(kept?.shapes[0]?.timesNs ?? [])]).toEqual([20n]);
});
