import { expect, test } from 'vitest';
import type { DroppedPoints } from '../engine/lines/point-sieve.ts';
import { describeDropped } from './dropped-points.ts';

const hourNs = 3_600_000_000_000n;
const late = { seriesKey: 'm', timeNs: 0n, bound: 'windowMinNs', boundNs: 1n } as const;
const ends = '- oldest point m at 1970-01-01T00:00:00Z dropped because it violates a Write Window Lower Bound at 1970-01-01T00:00:00.000000001Z, newest point m at 1970-01-01T00:00:00Z dropped because it violates a Write Window Lower Bound at 1970-01-01T00:00:00.000000001Z'; // prettier-ignore

function describe(counts: readonly [number, number], past: bigint, future: bigint): string {
  const [retentionCount, windowCount] = counts;
  const dropped: DroppedPoints = { retentionCount, windowCount, oldest: late, newest: late };
  const limits = { pastLimitNs: past * hourNs, futureLimitNs: future * hourNs };
  const more = { name: 'p', shardGroupDurationNs: hourNs, replicaCount: 1 };
  return describeDropped(dropped, { ...more, durationNs: 720n * hourNs, ...limits });
}

test('dropped points: both limits are told of, whichever was met, when the policy has a window', () => {
  expect(describe([1, 0], 0n, 0n)).toBe(`dropped 1 points outside retention policy of duration 720h0m0s ${ends}`); // prettier-ignore
  expect(describe([0, 2], 1n, 1n)).toBe(`dropped 0 points outside retention policy of duration 720h0m0s and 2 points outside write window (-1h0m0s to 1h0m0s) ${ends}`); // prettier-ignore
  expect(describe([3, 0], 2n, 0n)).toContain(
    '720h0m0s and 0 points outside write window (-2h0m0s) - ',
  );
  expect(describe([0, 4], 0n, 5n)).toContain(
    '720h0m0s and 4 points outside write window (5h0m0s) - ',
  );
});
