import { expect, test } from 'vitest';
import { parseQuery } from './parser.ts';
import { isReadOnly, requiredPrivileges } from './privileges.ts';

test.each([
  ['SELECT f FROM m', 'read '],
  ['SELECT f FROM a.p.m, (SELECT g FROM b..n)', 'read a, read b'],
  ['SELECT f INTO c.p.t FROM m', 'read , write c'],
  ['EXPLAIN SELECT f FROM m', 'read '],
  ['SHOW TAG KEYS ON d', 'read d'],
  ['SHOW DATABASES', ''],
  ['CREATE DATABASE d', 'admin'],
  ['DROP MEASUREMENT m', 'admin'],
  ['DELETE FROM m', 'write '],
  ['DROP RETENTION POLICY p ON d', 'write d'],
  ['KILL QUERY 1', 'admin'],
  ['SHOW SHARDS', 'admin'],
])('privileges: %s needs %s', (text, expected) => {
  const [statement] = parseQuery(text);
  if (statement === undefined) throw new Error('no statement');
  const needed = requiredPrivileges(statement).map((one) =>
    one.kind === 'admin' ? 'admin' : `${one.kind} ${one.database}`,
  );
  expect(needed.join(', ')).toBe(expected);
});

test('privileges: GET may run SHOW and SELECT without INTO', () => {
  const readOnly = (text: string) => parseQuery(text).map(isReadOnly);
  expect(readOnly('SHOW SHARDS; SELECT f FROM m; EXPLAIN SELECT f FROM m')).toEqual([true, true, true]); // prettier-ignore
  expect(readOnly('SELECT f INTO t FROM m; DROP DATABASE d; KILL QUERY 1')).toEqual([false, false, false]); // prettier-ignore
});
