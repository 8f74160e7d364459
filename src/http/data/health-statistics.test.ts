import { expect, test } from 'vitest';
import { healthStatistics } from './health-statistics.ts';

test('health: numbers say what the answer says', () => {
  const full = { what: 'write-ahead log', reason: 'no space left on device' };
  const damaged = [
    { shardId: 7, isRefused: true },
    { shardId: 9, isRefused: false },
  ];
  const health = { opened: 3, total: 9, damaged, failing: [full, full], isMember: true };
  expect(healthStatistics(health)).toEqual([
    {
      name: 'health',
      tags: {},
      values: {
        isMember: 1,
        shardsOpening: 6,
        shardsDamaged: 2,
        shardsRefused: 1,
        storesFailing: 1,
      },
    },
  ]);
});
