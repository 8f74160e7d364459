import { expect, test } from 'vitest';
import type { Clock } from '../../env/clock.ts';
import { WriteThrottle } from './write-throttle.ts';

function handClock(): { clock: Clock; fire: () => void } {
  const pending = new Set<() => void>();
  const after = (_durationMs: number, run: () => void) => {
    pending.add(run);
    return { cancel: () => pending.delete(run) };
  };
  return { clock: { after } as unknown as Clock, fire: () => [...pending].forEach((run) => { run(); }) }; // prettier-ignore
}
const limits = { concurrentMax: 1, enqueuedMax: 1, enqueuedTimeoutMs: 30_000, bytesMax: 100 };

test('write throttle: one at work, one waits, the third is refused', async () => {
  const throttle = new WriteThrottle(handClock().clock, limits);
  const leave = await throttle.enter(10);
  const second = throttle.enter(10);
  await expect(throttle.enter(10)).rejects.toThrow('request throttled, queue full');
  leave();
  leave();
  (await second)();
  await expect(throttle.enter(10)).resolves.toBeDefined();
});

test('write throttle: who waits too long is told so, and the next one comes in', async () => {
  const { clock, fire } = handClock();
  const throttle = new WriteThrottle(clock, limits);
  const leave = await throttle.enter(10);
  const late = throttle.enter(10);
  fire();
  await expect(late).rejects.toThrow('request throttled, exceeds timeout');
  const next = throttle.enter(10);
  leave();
  await expect(next).resolves.toBeDefined();
});

test('write throttle: bytes count, but a body larger than all of them comes in alone', async () => {
  const options = { ...limits, concurrentMax: 0, enqueuedMax: 0 };
  const throttle = new WriteThrottle(handClock().clock, options);
  const leaves = [await throttle.enter(60), await throttle.enter(40)];
  const large = throttle.enter(1_000);
  const order: string[] = [];
  void large.then(() => order.push('large'));
  leaves.forEach((leave) => {
    leave();
  });
  await large;
  expect(order).toEqual(['large']);
});
