import { expect, test } from 'vitest';
import { planSegmentMerge } from './segment-plan.ts';

const planned = (isCold: boolean, ...sizes: readonly number[]) =>
  planSegmentMerge(sizes.map((lengthBytes) => ({ lengthBytes, goneCount: 0 })), { isCold }); // prettier-ignore

test('segments: four neighbours of about one size become one, and an older one that is not far larger comes along', () => {
  expect([planned(false), planned(false, 10, 10, 10)]).toEqual([undefined, undefined]);
  expect(planned(false, 10, 10, 10, 10)).toEqual({ from: 0, to: 4 });
  // Twice as large as all that are newer: it comes along, and no larger one does.
  expect(planned(false, 1_000, 60, 10, 10, 10)).toEqual({ from: 1, to: 5 });
  expect(planned(false, 1_000, 61, 10, 10, 10)).toBeUndefined();
  expect(planned(false, 90, 10, 10, 10, 10)).toEqual({ from: 1, to: 5 });
  expect(planned(false, 80, 10, 10, 10, 10)).toEqual({ from: 0, to: 5 });
  expect(planned(false, 900, 90, 9, 1)).toBeUndefined();
});

test('segments: of a shard that nobody writes all become one, once, and again where something is gone of it', () => {
  expect([planned(true), planned(true, 10)]).toEqual([undefined, undefined]);
  expect(planned(true, 1_000, 1)).toEqual({ from: 0, to: 2 });
  expect(planSegmentMerge([{ lengthBytes: 10, goneCount: 1 }], { isCold: true })).toEqual({ from: 0, to: 1 }); // prettier-ignore
});
