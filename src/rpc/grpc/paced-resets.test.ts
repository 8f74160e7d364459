import { expect, test } from 'vitest';
import type { Clock } from '../../env/clock.ts';
import { PacedResets, type Resettable } from './paced-resets.ts';

class ManualClock {
  #nowMs = 0;
  #due: { readonly atMs: number; readonly run: () => void } | undefined;

  monotonicMs(): number {
    return this.#nowMs;
  }

  after(durationMs: number, run: () => void) {
    const due = { atMs: this.#nowMs + durationMs, run };
    this.#due = due;
    return {
      cancel: () => {
        if (this.#due === due) this.#due = undefined;
      },
    };
  }

  runUntil(atMs: number): void {
    for (;;) {
      const due = this.#due;
      if (due === undefined || due.atMs > atMs) break;
      this.#due = undefined;
      this.#nowMs = due.atMs;
      due.run();
    }
    this.#nowMs = atMs;
  }
}

class FakeCall implements Resettable {
  hasEnded = false;
  resetCount = 0;
  reset(): void {
    this.resetCount++;
  }
}

function addMany(resets: PacedResets, count: number): readonly FakeCall[] {
  const calls = Array.from({ length: count }, () => new FakeCall());
  for (const call of calls) resets.add(call);
  return calls;
}

const countReset = (calls: readonly FakeCall[]): number =>
  calls.reduce((sum, { resetCount }) => sum + resetCount, 0);

test('paced resets: a burst goes out soon, the rest slower than a peer takes them', () => {
  const clock = new ManualClock();
  const resets = new PacedResets(clock as unknown as Clock);
  const calls = addMany(resets, 20_000);
  expect(countReset(calls)).toBe(0);
  clock.runUntil(20);
  expect(countReset(calls)).toBe(5_000);
  clock.runUntil(10_000);
  const afterTenSeconds = countReset(calls);
  expect(afterTenSeconds).toBeGreaterThan(5_000 + 10 * 480);
  expect(afterTenSeconds).toBeLessThanOrEqual(5_000 + 10 * 510);
  clock.runUntil(120_000);
  expect(calls.every(({ resetCount }) => resetCount === 1)).toBe(true);
});

test('paced resets: a call that has ended is not reset, be it before or while it waits', () => {
  const clock = new ManualClock();
  const resets = new PacedResets(clock as unknown as Clock);
  const ended = new FakeCall();
  ended.hasEnded = true;
  resets.add(ended);
  const brief = addMany(resets, 1);
  for (const call of brief) call.hasEnded = true;
  clock.runUntil(40);
  addMany(resets, 5_000);
  const waiting = addMany(resets, 3);
  clock.runUntil(60);
  for (const call of waiting) call.hasEnded = true;
  clock.runUntil(60_000);
  expect(countReset([ended, ...brief, ...waiting])).toBe(0);
});
