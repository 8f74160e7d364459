import { expect, test } from 'vitest';
import { parseQuery } from '../../influxql/parser.ts';
import { compileStatement } from './compile-statement.ts';
import { readsClock } from './reads-clock.ts';

function isRead(text: string): boolean {
  const [statement] = parseQuery(text);
  if (statement?.kind !== 'select') throw new Error('a SELECT');
  return readsClock(compileStatement(statement, { nowNs: 1_000_000_000n }));
}

test.each([
  'SELECT v FROM m',
  'SELECT v FROM m WHERE time > 0',
  'SELECT mean(v) FROM m WHERE time > 0',
  'SELECT mean(v) FROM m WHERE time < 10s GROUP BY time(1s)',
  'SELECT max(a) FROM (SELECT mean(v) AS a FROM m GROUP BY time(1s)) WHERE time < 10s',
])('reads clock: not %s', (text) => {
  expect(isRead(text)).toBe(false);
});

test.each([
  'SELECT v FROM m WHERE time > now() - 1h',
  'SELECT v FROM m WHERE (time > 0 AND time < NOW())',
  'SELECT mean(v) FROM m WHERE time > 0 GROUP BY time(1s)',
  'SELECT mean(v) FROM m WHERE time > 0 GROUP BY time(0s), time(1s)',
  'SELECT mean(v) FROM m WHERE time > 0 GROUP BY time(-1s)',
  'SELECT mean(v) FROM m WHERE time < 10s GROUP BY time(1s, now())',
  'SELECT max(a) FROM (SELECT mean(v) AS a FROM m GROUP BY time(1s))',
  'SELECT max(a) FROM (SELECT v AS a FROM m WHERE time > now() - 1h) WHERE time < 10s',
  `SELECT mean(v) FROM m WHERE time <= '2262-04-11T23:47:16.854775806Z' GROUP BY time(1s)`,
])('reads clock: %s', (text) => {
  expect(isRead(text)).toBe(true);
});
