import { afterEach, expect, test, vi } from 'vitest';
import { NodeClock } from './node-clock.ts';

const noonMs = 1_790_000_000_000;

afterEach(() => {
  vi.restoreAllMocks();
});

/** What the clock says, in milliseconds from noon on, as the machine's clock says these. */
function saidMs(machineMs: readonly number[]): readonly number[] {
  const clock = new NodeClock();
  const now = vi.spyOn(Date, 'now');
  return machineMs.map((ms) => {
    now.mockReturnValue(noonMs + ms);
    return Number(clock.wallNs() / 1_000_000n) - noonMs;
  });
}

test('node clock: a step of the machine, also back, is followed within the run', () => {
  const dayMs = 86_400_000;
  expect(saidMs([0, dayMs, dayMs + 5, 10, 15])).toEqual([0, dayMs, dayMs + 5, 10, 15]);
});

test('node clock: a step back of less than a second is waited out, and no time comes twice', () => {
  expect(saidMs([2_000, 1_001, 1_500, 2_001])).toEqual([2_000, 2_000, 2_000, 2_001]);
  const clock = new NodeClock();
  vi.spyOn(Date, 'now')
    .mockReturnValueOnce(noonMs + 1_000)
    .mockReturnValue(noonMs + 500);
  const times = Array.from({ length: 4 }, () => clock.wallNs());
  expect(new Set(times).size).toBe(4);
  expect(times.toSorted((a, b) => Number(a - b))).toEqual(times);
});
