import { expect, test } from 'vitest';
import { trimSpace } from './trim-space.ts';

test.each([
  [' \t\r\n\v\fa b\u0085\u00a0\u3000', 'a b'],
  ['\ufeffa\ufeff', '\ufeffa\ufeff'],
  ['a', 'a'],
  ['', ''],
  [' \n', ''],
])('white space at the ends of %j goes', (text, trimmed) => {
  expect(trimSpace(text)).toBe(trimmed);
});
