import { expect, test } from 'vitest';
import { MiB } from '../../base/units.ts';
import { YoungGarbage } from './garbage.ts';

test('garbage: the young generation is collected each time so many bytes have passed, and the function looked for once', () => {
  let collectedCount = 0;
  let lookedCount = 0;
  const garbage = new YoungGarbage(100, () => {
    lookedCount++;
    return () => collectedCount++;
  });
  const counts = [99, 1, 50, 49, 1_000, 0].map((lengthBytes) => {
    garbage.passed(lengthBytes);
    return collectedCount;
  });
  expect({ counts, lookedCount }).toEqual({ counts: [0, 1, 1, 1, 2, 2], lookedCount: 1 });
});

test('garbage: buffers that are over are let go of long before V8 would collect all', () => {
  const garbage = new YoungGarbage();
  let mostBytes = 0;
  const { arrayBuffers: heldBytes } = process.memoryUsage();
  for (let i = 0; i < 512; i++) {
    Buffer.allocUnsafeSlow(MiB / 2).fill(i);
    garbage.passed(MiB / 2);
    mostBytes = Math.max(mostBytes, process.memoryUsage().arrayBuffers - heldBytes);
  }
  expect(mostBytes).toBeLessThan(16 * MiB);
});
