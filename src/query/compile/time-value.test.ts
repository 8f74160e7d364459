import { expect, test } from 'vitest';
import { TimeZone } from '../../base/time-zone.ts';
import { parseQuery } from '../../influxql/parser.ts';
import { compileStatement } from '../plan/compile-statement.ts';
import { readsClock } from '../plan/reads-clock.ts';
import { reduceCondition } from './time-value.ts';

const nowNs = BigInt(Date.parse('2026-11-28T14:00:00Z')) * 1_000_000n;

function selectOf(condition: string, zone = '') {
  const [statement] = parseQuery(`SELECT v FROM m WHERE ${condition}${zone}`);
  if (statement?.kind !== 'select') throw new Error('a SELECT expected');
  return statement;
}

/** What a constant condition comes to; the kind of what is left of another. */
function reduced(condition: string, zoneName?: string): boolean | string {
  const select = selectOf(condition);
  if (select.condition === undefined) throw new Error('a condition expected');
  const zone = zoneName === undefined ? undefined : new TimeZone(zoneName);
  const expr = reduceCondition(select.condition, { nowNs, zone });
  return expr.kind === 'boolean' ? expr.value : expr.kind;
}

/** Each as a 1.12.4 answers SELECT v FROM m with it: all rows, or none. */
test.each([
  ["'2000-01-01' < '2000-01-02'", true],
  ["'2000-01-01' > '2000-01-01' + 1919s", false],
  ["'2000-01-01' + 1s = '2000-01-01T00:00:01Z'", true],
  ["'2000-01-01' = '2000-01-01T00:00:00Z'", true],
  ["'2000-01-01' != '2000-01-01T00:00:00Z'", false],
  ["'2000-01-01' - '1999-12-31' = 1d", true],
  ["now() > '2000-01-01' + 1h", true],
  ["'2000-01-01' < now()", true],
  ['now() = now()', true],
  ['now() - 1h < now()', true],
  ['now() - now() = 0s', true],
  ["'a' = 'b'", false],
  ["'2000-13-01' = '2000-13-01'", true],
  ["'2000-01-01' < 'abc'", 'binary'],
  ['now() > 0', 'binary'],
  ['v = now()', 'binary'],
  ["v > 3 AND now() > '2000-01-01'", 'binary'],
  ["v > 3 AND now() < '2000-01-01'", false],
  ["v > 3 OR now() > '2000-01-01'", true],
])('condition: %s', (condition, result) => {
  expect(reduced(condition)).toBe(result);
}); // prettier-ignore

test('condition: texts that look like times are times of the zone of the statement', () => {
  const condition = "'2000-01-01 05:00:00' = '2000-01-01T04:00:00Z'";
  expect([reduced(condition), reduced(condition, 'Europe/Berlin')]).toEqual([false, true]);
});

test('condition: one with now() is compiled anew each time, and a call with an argument is refused', () => {
  const compiled = compileStatement(selectOf("v > 3 AND now() > '2000-01-01'"), { nowNs });
  expect(readsClock(compiled)).toBe(true);
  expect(() => compileStatement(selectOf('now(1) > 3'), { nowNs })).toThrow('invalid function call in condition: now(1)'); // prettier-ignore
});

test('condition: a call is checked and told as it is written, then worked out', () => {
  const refusal = (condition: string) => () => compileStatement(selectOf(condition), { nowNs });
  expect(refusal('log(8, 2) = 3')).toThrow('invalid number of arguments for log, expected 1, got 2'); // prettier-ignore
  expect(refusal('f(abs(3), 1 + 1) > 3')).toThrow('invalid function call in condition: f(abs(3), 2)'); // prettier-ignore
  expect(compileStatement(selectOf('abs(-3) = 3 AND v > 1'), { nowNs }).condition).toMatchObject({ operator: '>' }); // prettier-ignore
});
