import { expect, test } from 'vitest';
import { looksLikeTime, parseTimeLiteral } from './time-literal.ts';

const day = Date.parse('2000-01-02');

/** As a 1.12.4 takes each in `WHERE time = '…'`: milliseconds of the day, or no point of time. */
test.each([
  ['2000-01-02', 0],
  ['2000-01-02 00:10:00', 600_000],
  ['2000-01-02 00:10:00.5', 600_500],
  ['2000-01-02 00:10:00,5', 600_500],
  ['2000-01-02T00:10:00,5Z', 600_500],
  ['2000-01-02T00:10:00.0020000009999Z', 600_002],
  ['2000-01-02 0:10:00', 600_000],
  ['2000-01-02T0:10:00Z', 600_000],
  ['2000-01-02   00:10:00', 600_000],
  ['2000-01-02T00:10:00+24:00', 600_000 - 86_400_000],
  ['2000-01-02T00:10:00-00:60', 4_200_000],
  ['2000-01-02T00:10:00+25:00', undefined],
  ['2000-01-02T00:10:00+00:61', undefined],
  ['2000-01-02T 00:10:00Z', undefined],
  ['2000-01-02 00:1:00', undefined],
  ['2000-01-02 00:10', undefined],
  ['2000-01-02 00:10:00.', undefined],
  ['2000-01-02 00:10:00Z', undefined],
  ['2000-01-02T00:10:00', undefined],
  ['2000-01-02t00:10:00Z', undefined],
  ['2000-02-30', undefined],
  ['2000-01-02 24:00:00', undefined],
  ['2000-1-2', undefined],
])('time: %s', (text, expectedMs) => {
  const timeNs = parseTimeLiteral(text);
  expect(timeNs === undefined ? undefined : Number(timeNs) / 1e6 - day).toBe(expectedMs);
});

/** What does not is a text as any other. */
test('time: what begins with a day looks like one, but for a line that ends behind it', () => {
  expect(['2000-01-02', '2000-13-99 soon', '2000-01-02\n', '2000-1-2'].map(looksLikeTime)).toEqual([true, true, false, false]); // prettier-ignore
});
