import { expect, test } from 'vitest';
import { isWithin, united } from './part-bounds.ts';

const of = (minTimeNs: bigint, maxTimeNs: bigint) => ({ minTimeNs, maxTimeNs });

test('bounds of parts: those of two reach from the first time of both to the last', () => {
  const all = of(10n, 20n);
  expect([united(undefined, undefined), united(all, undefined), united(undefined, all)]).toEqual([undefined, all, all]); // prettier-ignore
  for (const inside of [of(10n, 20n), of(12n, 15n), of(10n, 11n), of(19n, 20n)]) expect(united(all, inside)).toBe(all); // prettier-ignore
  expect(united(all, of(9n, 21n))).toEqual(of(9n, 21n));
  expect(united(all, of(9n, 20n))).toEqual(of(9n, 20n));
  expect(united(all, of(1n, 2n))).toEqual(of(1n, 20n));
  expect(united(all, of(15n, 30n))).toEqual(of(10n, 30n));
});

test('bounds of parts: they have a time in common if it is the first or the last one', () => {
  const others = [of(1n, 9n), of(1n, 10n), of(12n, 13n), of(1n, 99n), of(20n, 30n), of(21n, 30n)];
  expect(others.map((one) => isWithin(of(10n, 20n), one))).toEqual([false, true, true, true, true, false]); // prettier-ignore
});
