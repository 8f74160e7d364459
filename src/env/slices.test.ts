import { expect, test } from 'vitest';
import { Slices } from './slices.ts';

test('slices: long while nobody wants a turn, short once turns take long', async () => {
  let nowMs = 0;
  let turnMs = 1;
  const turn = (): Promise<void> => {
    nowMs += turnMs;
    return Promise.resolve();
  };
  const slices = new Slices({ clock: { monotonicMs: () => nowMs }, turn });
  const lengthMs = async (): Promise<number> => {
    const startMs = nowMs;
    let workMs = 0;
    for (; !(await slices.next()); workMs += 0.5) nowMs = startMs + workMs + 0.5;
    return workMs;
  };
  const first = await lengthMs();
  const alone = await lengthMs();
  turnMs = 8;
  await lengthMs();
  const disturbed = await lengthMs();
  expect(disturbed).toBe(first);
  expect(alone).toBeGreaterThan(disturbed);
});
