import { expect, test } from 'vitest';
import { areKeysAmbiguous, compareSeriesKeys } from './compare-series-keys.ts';

/** As a server of release 1.12.4 answered SHOW SERIES. */
const listed = [
  'm',
  'm,a=1',
  'm,a\\ b=1',
  'm,a!=1',
  'm,ho=1,host=x',
  'm,host=a',
  'm,host=a,z=1',
  'm,host=a\\ b',
  'm,host=a!b',
  'm,host=a\\,b',
  'm,host=aZ',
  'm,host=x',
  'm,host=é',
  'm,host1=x',
  'm\\ 1,a=1',
  'm!,a=1',
  'm1,a=1',
];

test('series keys: in the order in which 1.12.4 lists them, each against each', () => {
  for (const [i, left] of listed.entries())
    for (const [j, right] of listed.entries())
      expect(Math.sign(compareSeriesKeys(left, right)), `${left} ${right}`).toBe(Math.sign(i - j));
});

test('series keys: a backslash that escapes nothing is a character of its own', () => {
  expect(compareSeriesKeys('m,h=a\\ ', 'm,h=a\\b')).toBeLessThan(0);
  expect(compareSeriesKeys('m,h=a\\b', 'm,h=a]')).toBeLessThan(0);
  expect(compareSeriesKeys('m,h=😀', 'm,h=')).toBeGreaterThan(0);
});

test.each([
  [['host', 'host1'], true],
  [['host', 'region'], false],
  [['host', 'hosts'], false],
  [['a', 'a!', 'ab'], true],
  [['a b'], true],
  [[], false],
])('series keys: tags %j may change their order: %s', (keys, isAmbiguous) => {
  expect(areKeysAmbiguous(keys)).toBe(isAmbiguous);
});
