import { expect, test } from 'vitest';
import { parseQuery } from '../../influxql/parser.ts';
import { compileStatement } from './compile-statement.ts';
import { evaluateMath } from './math-functions.ts';

test('log2() and log10() have the last digits of 1.12.4', () => {
  const log10 = (x: number) => evaluateMath('log10', [x], false);
  expect([1e15, 0.1, 1e-4, 3, 1000, 0].map(log10)).toEqual([
    14.999999999999998,
    -0.9999999999999999,
    -3.9999999999999996,
    0.4771212547196624,
    3,
    Number.NEGATIVE_INFINITY,
  ]);
  const log2 = (x: number) => evaluateMath('log2', [x], false);
  expect([3, 0.3, 8, 2 ** -1030, 5e-324, Number.POSITIVE_INFINITY].map(log2)).toEqual([
    1.5849625007211563,
    -1.736965594166206,
    3,
    -1030,
    -1074,
    Number.POSITIVE_INFINITY,
  ]);
  expect(log2(-1)).toBeNaN();
});

test.each([
  ['sin', [0.48], 0.4617791755414829],
  ['cos', [0.15], 0.9887710779360424],
  ['tan', [0.08], 0.08017110470807255],
  ['asin', [0.01], 0.010000166674167112],
  ['acos', [0.05], 1.5207754699891265],
  ['atan', [0.22], 0.2165503049760893],
  ['exp', [0.01], 1.0100501670841682],
  ['ln', [0.01], -4.605170185988092],
  ['atan2', [0.29, 3], 0.09636724487511732],
  ['pow', [0.01, 2.3], 0.00002511886431509582],
  ['log', [0.68, 3], -0.35104511827328844],
] as const)('%s() of %j has the last digits of 1.12.4', (name, args, result) => {
  expect(evaluateMath(name, args, false)).toBe(result);
});

test('a length of time by a number that is no int64 is what Go makes of it', () => {
  const compiled = (text: string) => {
    const [statement] = parseQuery(text);
    if (statement?.kind !== 'select') throw new Error('a SELECT');
    return compileStatement(statement, { nowNs: 0n });
  };
  expect(() => compiled('SELECT 1h * pow(10, 400), v FROM m')).toThrow(
    'field must contain at least one variable',
  );
  expect(() => compiled('SELECT 1h / ln(0), v FROM m')).toThrow(
    'field must contain at least one variable',
  );
});
