import { expect, test } from 'vitest';
import { formatGoFloat, quoteGo } from './go-format.ts';

test('go format: floats as strconv prints them', () => {
  const printed: readonly (readonly [number, string])[] = [
    [0, '0'],
    [-0, '-0'],
    [3, '3'],
    [-2.5, '-2.5'],
    [0.0001, '0.0001'],
    [0.00001, '1e-05'],
    [1.5e-7, '1.5e-07'],
    [100_000, '100000'],
    [123_456.5, '123456.5'],
    [1e6, '1e+06'],
    [1_234_567.5, '1.2345675e+06'],
    [-1e20, '-1e+20'],
    [5e-324, '5e-324'],
    [1.7976931348623157e308, '1.7976931348623157e+308'],
    [Infinity, '+Inf'],
    [NaN, 'NaN'],
  ];
  for (const [value, text] of printed) expect(formatGoFloat(value)).toBe(text);
});

test('go format: texts in quotes', () => {
  expect(quoteGo('a\u0001é\u200b\u{e0001}z "\\\n')).toBe('"a\\x01é\\u200b\\U000e0001z \\"\\\\\\n"');
  expect(quoteGo('\u00a0')).toBe('"\\u00a0"');
});
