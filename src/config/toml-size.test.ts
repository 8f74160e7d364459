import { expect, test } from 'vitest';
import { parseTomlSizeBytes } from './toml-size.ts';

test.each([
  ['0', 0n],
  ['26214400', 26_214_400n],
  ['10k', 10_240n],
  ['48m', 50_331_648n],
  ['48M', 50_331_648n],
  ['1g', 1_073_741_824n],
  ['18446744073709551615', 18446744073709551615n],
])('toml size: reads %s', (text, bytes) => {
  expect(parseTomlSizeBytes(text)).toBe(bytes);
});

test.each([
  ['', 'size was empty'],
  ['10t', 'unknown size suffix: t (expected k, m, or g)'],
  ['10mb', 'unknown size suffix: b (expected k, m, or g)'],
  ['m', 'invalid size: strconv.ParseUint: parsing "": invalid syntax'],
  ['-1', 'invalid size: strconv.ParseUint: parsing "-1": invalid syntax'],
  ['1.5g', 'invalid size: strconv.ParseUint: parsing "1.5": invalid syntax'],
  ['18014398509481984k', 'size would overflow the max size (18446744073709551615) of a uint'],
])('toml size: refuses %j', (text, reason) => {
  expect(() => parseTomlSizeBytes(text)).toThrow(reason);
});
