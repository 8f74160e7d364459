import { expect, test } from 'vitest';
import { makeStamp, stampNs, stampOrigin } from '../../models/stamp.ts';
import { StampClock } from './stamp-clock.ts';

const dayNs = 86_400_000_000_000n;

function clockAt(now: { ns: bigint; ms?: number }, run = 10): StampClock {
  const clock = { wallNs: () => now.ns, monotonicMs: () => now.ms ?? 0 };
  return new StampClock({ clock, nodeId: () => 7, random: { u32: () => run } });
}

test('stamp clock: stamps ascend, also when the clock goes back', () => {
  const now = { ns: 1_000n };
  const stamps = clockAt(now);
  const first = stamps.next();
  now.ns = 500n;
  const second = stamps.next();
  expect([stampNs(first), stampNs(second)]).toEqual([1_000n, 1_001n]);
  expect(stampOrigin(first)).toBe((7n << 32n) | 5n);
  expect(stampOrigin(second)).toBe(stampOrigin(first));
});

test('stamp clock: what was seen is behind what comes next, unless it is a day ahead', () => {
  const now = { ns: dayNs };
  const stamps = clockAt(now);
  stamps.seen(makeStamp(2n * dayNs, 9));
  expect(stamps.next()).toBeGreaterThan(makeStamp(2n * dayNs, 9));
  stamps.seen(makeStamp(3n * dayNs, 9));
  expect(stampNs(stamps.next())).toBe(2n * dayNs + 2n);
});

test('stamp clock: it goes along with a clock that is ahead, until its own is past that', () => {
  const now = { ns: 1_000n, ms: 0 };
  const stamps = clockAt(now);
  stamps.seen(makeStamp(dayNs, 9));
  now.ns += 5_000_000n;
  now.ms += 5;
  expect(stampNs(stamps.next())).toBe(dayNs + 5_000_000n);
  now.ns = 2n * dayNs;
  now.ms += 1;
  expect(stampNs(stamps.next())).toBe(2n * dayNs);
});

test('stamp clock: where its own clock goes back time goes on, and further back it goes along with others', () => {
  const now = { ns: 9n * dayNs, ms: 0 };
  const stamps = clockAt(now);
  stamps.next();
  now.ns -= 60_000_000_000n;
  now.ms += 5;
  expect(stampNs(stamps.next())).toBe(9n * dayNs + 5_000_000n);
  now.ns = 2n * dayNs;
  stamps.seen(makeStamp(9n * dayNs + 8_000_000n, 9));
  now.ms += 5;
  expect(stampNs(stamps.next())).toBe(9n * dayNs + 13_000_000n);
});

test('stamp clock: it overtakes any stamp, and follows none that is more than a day ahead', () => {
  const now = { ns: dayNs, ms: 0 };
  const stamps = clockAt(now);
  expect(stampNs(stamps.overtaking(dayNs + 7n))).toBe(dayNs + 8n);
  const far = 9n * dayNs;
  const given = [stamps.overtaking(far), stamps.overtaking(far), stamps.overtaking(far - 1n)];
  expect(given.map(stampNs)).toEqual([far + 1n, far + 2n, far + 3n]);
  expect(stampNs(stamps.next())).toBeLessThan(far);
  // Of its node, and of no run.
  for (const stamp of given) expect(stampOrigin(stamp) >> 32n).toBe(7n);
  expect(stampOrigin(given[0] ?? 0n)).not.toBe(stampOrigin(stamps.next()));
});

test('stamp clock: a run that sees the same time again gives no stamp of the run before', () => {
  const now = { ns: 1_000n };
  expect(clockAt(now, 2).next()).not.toBe(clockAt(now, 4).next());
});

test('stamp clock: what is stored is looked for once, however many wait for it, and again where it failed', async () => {
  const asked: Promise<bigint>[] = [];
  const answers = [
    Promise.reject<bigint>(new Error('no descriptors')),
    Promise.resolve(makeStamp(dayNs, 3)),
  ];
  const stamps = new StampClock({
    clock: { wallNs: () => 1_000n, monotonicMs: () => 0 },
    nodeId: () => 7,
    random: { u32: () => 5 },
    latestStored: () => {
      const answer = answers[asked.length] ?? Promise.resolve(0n);
      asked.push(answer);
      return answer;
    },
  });
  await expect(stamps.learned()).rejects.toThrow('no descriptors');
  await Promise.all([stamps.learned(), stamps.learned()]);
  expect(stamps.learned()).toBeUndefined();
  expect(asked).toHaveLength(2);
  expect(stamps.next()).toBeGreaterThan(makeStamp(dayNs, 3));
});
