import { expect, test } from 'vitest';
import { AdaptiveAverage } from './technical-rings.ts';

test('kaufmans_adaptive_moving_average: its steps are those of the reference, to the last digit', () => {
  const average = new AdaptiveAverage(2);
  for (const value of [0, 0]) average.next(value);
  // On a straight way the fast weight counts alone, squared. Recorded.
  expect(average.next(1e300)).toBe(4.4444444444444454e299);
});
