import { expect, test } from 'vitest';
import { DoublingPause } from './doubling-pause.ts';

test('doubling pause: twice as long with each failure, up to the limit, until one succeeds', () => {
  const pause = new DoublingPause({ firstMs: 10, mostMs: 50 });
  expect(pause.lasts(0)).toBe(false);
  for (const lengthMs of [10, 20, 40, 50, 50]) {
    pause.failed(1_000);
    expect([pause.lasts(999 + lengthMs), pause.lasts(1_000 + lengthMs)]).toEqual([true, false]);
  }
  pause.succeeded();
  expect(pause.lasts(1_000)).toBe(false);
  pause.failed(2_000);
  expect([pause.lasts(2_009), pause.lasts(2_010)]).toEqual([true, false]);
});
