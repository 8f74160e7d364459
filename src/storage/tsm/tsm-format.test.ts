import fc from 'fast-check';
import { expect, test } from 'vitest';
import { splitTsmKey, tsmKey } from './tsm-format.ts';

test('tsm key: the usual one is as the reference writes it', () => {
  expect(tsmKey('m,t=a', 'v')).toBe('m,t=a#!~#v');
  expect(tsmKey('m,t=#!', '#!~#v')).toBe('m,t=#!#!~##!~#v');
});

test('tsm key: any series key and field come back, and no two pairs make one key', () => {
  const part = fc.string({ unit: fc.constantFrom('#', '!', '~', '\\', 'a', '#!~', '#!~#'), maxLength: 12 }); // prettier-ignore
  const known = new Map<string, string>();
  fc.assert(
    fc.property(part, part, (seriesKey, field) => {
      const key = tsmKey(seriesKey, field);
      expect(splitTsmKey(key)).toEqual([seriesKey, field]);
      const pair = JSON.stringify([seriesKey, field]);
      expect(known.get(key) ?? pair).toBe(pair);
      known.set(key, pair);
    }),
    { numRuns: 20_000, seed: 1 },
  );
});
