import { expect, test } from 'vitest';
import { parseGoFloat, readGoFloat } from './go-float.ts';

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

test.each([
  ['0', 0],
  ['-0', -0],
  ['+1', 1],
  ['.5', 0.5],
  ['5.', 5],
  ['00012', 12],
  ['1e3', 1_000],
  ['1E-3', 0.001],
  ['1_000', 1_000],
  ['1_23.50_0_0e+1_2', 1.235e14],
  ['0x1p4', 16],
  ['0X1.8P-1', 0.75],
  ['-0x_1p0', -1],
  ['0x.8p1', 1],
  ['0x1p-1074', 5e-324],
  ['0x1fffffffffffffp971', 1.7976931348623157e308],
  ['inf', Infinity],
  ['-Infinity', -Infinity],
  ['1e-400', 0],
  ['4.9e-324', 5e-324],
])('go float: %j is read as a number', (text, value) => {
  expect(readGoFloat(text)).toBe(value);
});

test('go float: not a number is one, without a sign', () => {
  expect(readGoFloat('NaN')).toBeNaN();
  expect(readGoFloat('+nan')).toBe('invalid syntax');
});

test.each([
  '',
  '.',
  '-',
  '1e',
  'e1',
  '0x',
  '0x1',
  '0xp1',
  '1__0',
  '_1',
  '1_',
  '1_.5',
  '1._5',
  '1i',
  ' 1',
  '1 ',
  'infinit',
  '--1',
  '0b1',
  '1e5.5',
  '0x1p',
  '1_e5',
  '１',
])('go float: %j is none', (text) => {
  // prettier-ignore
  expect(readGoFloat(text)).toBe('invalid syntax');
});

test.each(['1e400', '-1e400', '1.7976931348623159e308', '0x1p1024'])(
  'go float: %j is too large',
  (text) => {
    // prettier-ignore
    expect(readGoFloat(text)).toBe('value out of range');
  },
);

test('go float: a long text that is no number is found out in the time of its length', () => {
  for (const part of ['1', '1_1', '.', '0x1', '1e'])
    expect(readGoFloat(`${part.repeat(200_000)}x`)).toBe('invalid syntax');
});
