import { expect, test } from 'vitest';
import { assert, InvariantError, must, unreachable } from './assert.ts';
import { DbError, dbErrorCodes, errorText, isDbError } from './errors.ts';

test('errors: a DbError keeps its code, text and cause', () => {
  const cause = new Error('disk');
  const error = new DbError('corrupt', 'a.tsm at byte 7', { cause });
  expect([error.code, error.message, error.cause]).toEqual(['corrupt', 'a.tsm at byte 7', cause]);
});

test('errors: isDbError tells codes apart and foreign errors from ours', () => {
  const error = new DbError('timeout', 'timeout');
  expect(isDbError(error)).toBe(true);
  expect(isDbError(error, 'timeout')).toBe(true);
  expect(isDbError(error, 'corrupt')).toBe(false);
  expect(isDbError(new Error('timeout'))).toBe(false);
});

test('errors: codes are unique', () => {
  expect(new Set(dbErrorCodes).size).toBe(dbErrorCodes.length);
});

test('errors: anything thrown has a text', () => {
  expect(errorText(new Error('a'))).toBe('a');
  expect(errorText('b')).toBe('b');
});

test('assert: a false fact, a missing value and an unknown tag throw InvariantError', () => {
  expect(() => {
    assert(false, 'one is two');
  }).toThrow(new InvariantError('one is two'));
  expect(() => must(undefined, 'there')).toThrow(InvariantError);
  expect(must(0, 'there')).toBe(0);
  expect(() => unreachable('x' as never)).toThrow(InvariantError);
});
