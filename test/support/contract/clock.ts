import { expect, test } from 'vitest';
import type { Clock } from '../../../src/env/clock.ts';
import type { Run } from './harness.ts';

export function clockContract(name: string, run: Run<{ readonly clock: Clock }>): void {
  test(`${name}: wall time is strictly increasing nanoseconds since 1970`, () =>
    run(async ({ clock }) => {
      let last = clock.wallNs();
      expect(last > 1_700_000_000_000_000_000n).toBe(true);
      for (let index = 0; index < 10_000; index++) {
        const next = clock.wallNs();
        expect(next > last).toBe(true);
        last = next;
      }
      await clock.sleep(1);
    }));

  test(`${name}: sleep takes at least its time on both clocks`, () =>
    run(async ({ clock }) => {
      const startMs = clock.monotonicMs();
      const startNs = clock.wallNs();
      await clock.sleep(20);
      expect(clock.monotonicMs() - startMs).toBeGreaterThan(18.9);
      expect(Number(clock.wallNs() - startNs)).toBeGreaterThan(18.9e6);
    }));

  test(`${name}: an aborted sleep rejects with the signal's reason`, () =>
    run(async ({ clock }) => {
      const controller = new AbortController();
      const reason = new Error('enough');
      clock.after(5, () => {
        controller.abort(reason);
      });
      const startMs = clock.monotonicMs();
      await expect(clock.sleep(60_000, controller.signal)).rejects.toBe(reason);
      await expect(clock.sleep(60_000, controller.signal)).rejects.toBe(reason);
      expect(clock.monotonicMs() - startMs).toBeLessThan(50_000);
    }));

  test(`${name}: after fires once in order of time, cancelled timers never`, () =>
    run(async ({ clock }) => {
      const fired: string[] = [];
      clock.after(30, () => fired.push('late'));
      clock.after(5, () => fired.push('soon'));
      clock.after(10, () => fired.push('never')).cancel();
      await clock.sleep(80);
      expect(fired).toEqual(['soon', 'late']);
    }));

  test(`${name}: every repeats until cancelled, also from inside its own run`, () =>
    run(async ({ clock }) => {
      let count = 0;
      const timer = clock.every(5, () => {
        count++;
        if (count === 3) timer.cancel();
      });
      await clock.sleep(150);
      expect(count).toBe(3);
    }));
}
