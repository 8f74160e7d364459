import { expect, test } from 'vitest';
import type { BinaryOperator } from '../influxql/ast.ts';
import { runProgram, type Program } from './plan/program.ts';
import {
  evaluate,
  predicateFields,
  specialize,
  type Operand,
  type Predicate,
  type Value,
} from './predicate.ts';

const matcher = (pattern: string) => (text: string) => new RegExp(pattern).test(text);
const tag = (name: string): Operand => ({ kind: 'tag', name });
const field = (name: string): Operand => ({ kind: 'field', name });
const constant = (value: Value): Operand => ({ kind: 'constant', value });
const equals = (left: Operand, right: Operand): Predicate => ({
  kind: 'compare',
  operator: '=',
  left,
  right,
});
const host = new Map([['host', 'a']]);

test('predicate: a tag that is absent compares as the empty string', () => {
  expect(specialize(equals(tag('rack'), constant('')), host, matcher)).toBe(undefined);
  expect(specialize(equals(tag('host'), constant('')), host, matcher)).toBe(false);
});

test('predicate: what depends on tags only is decided once per series', () => {
  const or: Predicate = {
    kind: 'or',
    left: equals(tag('host'), constant('a')),
    right: { kind: 'compare', operator: '>', left: field('v'), right: constant(1) },
  };
  expect(specialize(or, host, matcher)).toBe(undefined);
  expect(specialize(or, new Map([['host', 'b']]), matcher)).toEqual(or.right);
});

test('predicate: regular expressions match tags and string fields, never numbers', () => {
  const negated: Predicate = { kind: 'match', operand: tag('host'), pattern: '^a', negated: true };
  expect(specialize(negated, host, matcher)).toBe(false);
  const onField: Predicate = { kind: 'match', operand: field('v'), pattern: '1', negated: false };
  expect(evaluate(onField, () => 1, matcher)).toBe(false);
  expect(evaluate(onField, () => 'a1', matcher)).toBe(true);
});

test('predicate: int64 compares exactly with floats, unlike types never', () => {
  const above: Predicate = {
    kind: 'compare',
    operator: '>',
    left: field('v'),
    right: constant(90.5),
  };
  expect(evaluate(above, () => 91n, matcher)).toBe(true);
  expect(evaluate(above, () => 90n, matcher)).toBe(false);
  expect(evaluate(above, () => 'x', matcher)).toBe(false);
  expect(evaluate(above, () => null, matcher)).toBe(false);
  const exact = equals(field('v'), constant(9007199254740993n));
  expect(evaluate(exact, () => 9007199254740992n, matcher)).toBe(false);
});

test('predicate: fields are listed once', () => {
  const both: Predicate = {
    kind: 'and',
    left: equals(field('a'), field('b')),
    right: equals(field('a'), tag('host')),
  };
  expect(predicateFields(both)).toEqual(['a', 'b']);
  expect(predicateFields(undefined)).toEqual([]);
});

const typeOf = (value: Value): 'integer' | 'float' | 'boolean' | 'string' => {
  if (typeof value === 'bigint') return 'integer';
  return typeof value === 'number' ? 'float' : typeof value === 'boolean' ? 'boolean' : 'string';
};

test.each<[operator: BinaryOperator, left: Value, right: Value, result: Value | null]>([
  ['/', 1, 0, 0],
  ['/', 1n, 0n, 0n],
  ['/', -7n, 2n, -3n],
  ['+', 9223372036854775807n, 1n, -9223372036854775808n],
  ['%', 5n, 3n, 2n],
  ['&', true, false, false],
  ['+', true, false, null],
  ['+', 'a', 1, null],
])('arithmetic of conditions: %s of %s and %s is %s', (operator, left, right, result) => {
  const types = { left: typeOf(left), right: typeOf(right), isFloatDivision: false };
  const program: Program = {
    steps: [
      { kind: 'constant', value: left },
      { kind: 'constant', value: right },
      { kind: 'binary', operator, ...types },
    ],
    type: typeOf(left),
    isMissingFalse: false,
  };
  expect(runProgram(program, () => null, matcher)).toBe(result);
});
