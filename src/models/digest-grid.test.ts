import fc from 'fast-check';
import { expect, test } from 'vitest';
import { allTimes, sliceCount, sliceLengthNs, sliceOf, timeMaskOf, timeParts } from './digest-grid.ts'; // prettier-ignore

const time = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });

test('digest grid: each time is in one slice of one part, and those that bounds name have all times between', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 61n), max: 2n ** 61n }), fc.bigInt({ min: 1n, max: 2n ** 60n }), time, time, (startNs, lengthNs, one, other) => {
      const range = { startNs, endNs: startNs + lengthNs };
      const slice = sliceOf(range, one);
      expect(slice >= 0 && slice < sliceCount).toBe(true);
      const from = startNs + BigInt(slice) * sliceLengthNs(range);
      expect(slice === 0 || one >= from).toBe(true);
      expect(slice === sliceCount - 1 || one < from + sliceLengthNs(range)).toBe(true);
      const [minTimeNs, maxTimeNs] = one < other ? [one, other] : [other, one];
      const mask = timeMaskOf(range, { minTimeNs, maxTimeNs });
      for (const timeNs of [minTimeNs, maxTimeNs, (minTimeNs + maxTimeNs) / 2n])
        expect((mask >>> Math.floor((sliceOf(range, timeNs) * timeParts) / sliceCount)) & 1).toBe(1);
    }),
    { seed: 1 },
  ); // prettier-ignore
  const range = { startNs: 0n, endNs: 256n };
  expect(timeMaskOf(range, { minTimeNs: -9n, maxTimeNs: 999n })).toBe(allTimes);
  expect(timeMaskOf(range, { minTimeNs: 16n, maxTimeNs: 32n })).toBe(0b110);
});
