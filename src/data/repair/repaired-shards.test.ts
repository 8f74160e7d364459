import { expect, test } from 'vitest';
import { repairedShardsMax } from '../../meta/client/hint-news-method.ts';
import { RepairedShards } from './repaired-shards.ts';

test('repaired shards: it is told how long ago the last repair of each began, of the latest alone where they are many', () => {
  let nowMs = 100;
  const repaired = new RepairedShards({ monotonicMs: () => nowMs });
  repaired.note(7, 40);
  repaired.note(8, 50);
  repaired.note(7, 99.5);
  // Never as if it had begun later than it did.
  expect(repaired.recent).toEqual([{ shardId: 8, beganMsAgo: 50 }, { shardId: 7, beganMsAgo: 1 }]); // prettier-ignore
  nowMs = 200;
  expect(repaired.recent.map(({ beganMsAgo }) => beganMsAgo)).toEqual([150, 101]);
  for (let i = 0; i < repairedShardsMax - 1; i++) repaired.note(100 + i, 200);
  const ids = repaired.recent.map(({ shardId }) => shardId);
  expect([ids.length, ids[0], ids[1]]).toEqual([repairedShardsMax, 7, 100]);
});
