import { expect, test } from 'vitest';
import type { Clock } from '../../../env/clock.ts';
import { WriteThrottle } from './write-throttle.ts';

function handClock(): { clock: Clock; fire: () => void } {
  const pending = new Set<() => void>();
  const after = (_durationMs: number, run: () => void) => {
    pending.add(run);
    return { cancel: () => pending.delete(run) };
  };
  return { clock: { after } as unknown as Clock, fire: () => [...pending].forEach((run) => { run(); }) }; // prettier-ignore
}
const limits = { concurrentMax: 1, enqueuedMax: 1, enqueuedTimeoutMs: 30_000 };

test('write throttle: one at work, one waits, the third is refused', async () => {
  const throttle = new WriteThrottle(handClock().clock, limits);
  const leave = await throttle.enter();
  const second = throttle.enter();
  await expect(throttle.enter()).rejects.toThrow('request throttled, queue full');
  leave();
  leave();
  (await second)();
  await expect(throttle.enter()).resolves.toBeDefined();
});

test('write throttle: who waits too long is told so, and the next one comes in', async () => {
  const { clock, fire } = handClock();
  const throttle = new WriteThrottle(clock, limits);
  const leave = await throttle.enter();
  const late = throttle.enter();
  fire();
  await expect(late).rejects.toThrow('request throttled, exceeds timeout');
  const next = throttle.enter();
  leave();
  await expect(next).resolves.toBeDefined();
});

test('write throttle: who leaves while waiting leaves no place taken', async () => {
  const throttle = new WriteThrottle(handClock().clock, limits);
  const leave = await throttle.enter();
  const gone = new AbortController();
  const left = throttle.enter(gone.signal);
  gone.abort();
  await expect(left).rejects.toThrow('request throttled, the client has left');
  const next = throttle.enter();
  leave();
  (await next)();
  await expect(throttle.enter()).resolves.toBeDefined();
});

test('write throttle: a timeout of 0 is none, as in 1.12.4', async () => {
  const { clock, fire } = handClock();
  const throttle = new WriteThrottle(clock, { ...limits, enqueuedTimeoutMs: 0 });
  const leave = await throttle.enter();
  const waiting = throttle.enter();
  fire();
  leave();
  await expect(waiting).resolves.toBeDefined();
});
