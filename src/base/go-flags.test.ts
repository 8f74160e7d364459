import { expect, test } from 'vitest';
import { parseGoFlags } from './go-flags.ts';

const kinds = { bind: 'text', k: 'switch' } as const;

test('go flags: values, switches, and where they end', () => {
  expect(parseGoFlags(['-bind', 'a:1', '--k', 'show', '-v'], kinds)).toEqual({
    values: { bind: 'a:1', k: true },
    rest: ['show', '-v'],
  });
  expect(parseGoFlags(['-bind=a=b', '-k=false', '--', '-k'], kinds)).toEqual({
    values: { bind: 'a=b' },
    rest: ['-k'],
  });
  expect(parseGoFlags([], kinds)).toEqual({ values: {}, rest: [] });
});

test('go flags: the texts of Go', () => {
  expect(() => parseGoFlags(['-x'], kinds)).toThrow('flag provided but not defined: -x');
  expect(() => parseGoFlags(['-bind'], kinds)).toThrow('flag needs an argument: -bind');
});
