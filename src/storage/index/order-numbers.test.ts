import { expect, test } from 'vitest';
import { Prng } from '../../base/prng.ts';
import { orderNumbers } from './order-numbers.ts';

test.each([0, 1, 31, 4_096, 4_097, 20_000, 100_000])(
  'numbers in order: %i of a range come out as a sort has them, in short steps',
  (count) => {
    const start = 7;
    const all = Array.from({ length: count * 2 }, (_, i) => start + i);
    const random = new Prng([count, 2, 3, 4]);
    for (let i = all.length - 1; i > 0; i--) {
      const other = random.u32() % (i + 1);
      [all[i], all[other]] = [all[other] ?? 0, all[i] ?? 0];
    }
    const numbers = all.slice(0, count);
    const steps = orderNumbers(numbers, { start, count: count * 2 });
    let stepCount = 0;
    let step = steps.next();
    for (; step.done !== true; step = steps.next()) stepCount++;
    expect(step.value).toEqual(Uint32Array.from(numbers).sort());
    if (count > 4_096) expect(stepCount).toBeGreaterThanOrEqual((count * 3) / 16_384);
  },
);
