import { expect, test } from 'vitest';
import { makeStamp, stampNode, stampNs } from '../../models/stamp.ts';
import { StampClock } from './stamp-clock.ts';

const dayNs = 86_400_000_000_000n;

function clockAt(now: { ns: bigint }): StampClock {
  return new StampClock({ clock: { wallNs: () => now.ns }, nodeId: () => 7 });
}

test('stamp clock: stamps ascend, also when the clock goes back', () => {
  const now = { ns: 1_000n };
  const stamps = clockAt(now);
  const first = stamps.next();
  now.ns = 500n;
  const second = stamps.next();
  expect([stampNs(first), stampNs(second)]).toEqual([1_000n, 1_001n]);
  expect([stampNode(first), stampNode(second)]).toEqual([7, 7]);
});

test('stamp clock: what was seen is behind what comes next, unless it is a day ahead', () => {
  const now = { ns: dayNs };
  const stamps = clockAt(now);
  stamps.seen(makeStamp(2n * dayNs, 9));
  expect(stamps.next()).toBeGreaterThan(makeStamp(2n * dayNs, 9));
  stamps.seen(makeStamp(3n * dayNs, 9));
  expect(stampNs(stamps.next())).toBe(2n * dayNs + 2n);
});
