import { expect, test } from 'vitest';
import { WorkerLoads } from './worker-loads.ts';

test('the worker with the fewest bytes under way is the next, and failed work no longer counts', async () => {
  const loads = new WorkerLoads(2);
  expect(loads.least()).toBe(0);
  let fail = (): void => undefined;
  const failing = loads.during(
    0,
    10,
    () => new Promise((_, reject) => (fail = () => reject(new Error('gone')))),
  );
  expect([loads.bytesOf(0), loads.least()]).toEqual([10, 1]);
  const inner = await loads.during(1, 20, () => Promise.resolve(loads.least()));
  expect(inner).toBe(0);
  fail();
  await expect(failing).rejects.toThrow('gone');
  expect([loads.bytesOf(0), loads.bytesOf(1), loads.least()]).toEqual([0, 0, 0]);
});
