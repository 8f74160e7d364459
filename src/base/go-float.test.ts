import { expect, test } from 'vitest';
import { parseGoFloat } from './go-float.ts';

/** As influxd 1.12.4 stored, or did not, what came by OpenTSDB's telnet. */
test.each([
  ['1', 1],
  ['-1', -1],
  ['+1', 1],
  ['.5', 0.5],
  ['5.', 5],
  ['1e3', 1000],
  ['1E-3', 0.001],
  ['0x1p4', 16],
  ['-0x1.8p1', -3],
  ['1_000', 1000],
  ['0x_1p1', 2],
  ['123456789012345678901234567890', 123456789012345678901234567890],
  ['4.9e-324', 5e-324],
  ['1e-400', 0],
  ['00012', 12],
  ['x', undefined],
  ['', undefined],
  ['.', undefined],
  ['1.5.5', undefined],
  ['NaN', undefined],
  ['Inf', undefined],
  ['-inf', undefined],
  ['infinity', undefined],
  ['1e400', undefined],
  ['1.7976931348623159e308', undefined],
  ['0x10', undefined],
  ['0xp1', undefined],
  ['0b11', undefined],
  ['1e', undefined],
  ['e1', undefined],
  ['--1', undefined],
  ['1f', undefined],
  ['_1', undefined],
  ['1__0', undefined],
  ['1_', undefined],
])('go float: %s is %s', (text, value) => {
  expect(parseGoFloat(text)).toBe(value);
});
