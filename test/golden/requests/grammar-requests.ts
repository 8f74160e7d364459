import type { HttpRequest } from './http-request.ts';

/** Odd forms of what the grammar has: times, places in texts, conditions of lists. */
const statements = [
  ...['2020-01-01 0:10:00', '2020-01-01T00:10:00,5Z', '2020-01-01   00:10:00.5', '2020-01-01T00:10:00+24:00', '2020-01-01T00:10:00+25:00', '2020-01-01 00:10:00Z', '2020-1-1'].map((time) => `SELECT count(jobs) FROM cpu WHERE time > '${time}'`),
  "SELECT count(jobs) FROM cpu WHERE time > -1h + '2020-01-01T0:10:00Z'",
  "SELECT count(jobs) FROM cpu WHERE time > '2020-01-01\n'",
  'SELECT "🙂🙂" FROM cpu WHERE key',
  'SELECT jobs FROM "🙂"\nWHERE "é🙂" = 🙂',
  'SELECT "\\🙂" FROM cpu',
  'SELECT count(jobs) FROM cpu WHERE log(8, 2) = 3',
  'SELECT count(jobs) FROM cpu WHERE abs(-3) = 3',
  'SELECT count(jobs) FROM cpu WHERE f(abs(3), 1 + 1) > 3',
  ...['1577836800000000µ', '1577837400000000µ', '1577838000000000µ'].map((time) => `SELECT count(jobs) FROM cpu WHERE time > ${time}`),
  ...["1h, '2020-01-01 00:07:03' - 90m", "7m, '2020-01-01 00:07:03' + 1h", '1h, 0 + 10m', '1h, now() - now()', "1h, '2020-13-01' + 1h"].map((args) => `SELECT count(jobs) FROM cpu WHERE time >= '2020-01-01' AND time < '2020-01-01T01:00:00Z' GROUP BY time(${args})`),
  'SELECT jobs FROM cpu GROUP BY time(-1h)',
  'SELECT difference(jobs) FROM cpu GROUP BY time(-1h)',
  'SELECT difference(count(jobs)) FROM cpu GROUP BY time(-1h)',
  'SELECT count(jobs) FROM cpu GROUP BY time(-1h)',
  'SHOW MEASUREMENTS WHERE 1 = 1 AND host > 3',
  "SHOW MEASUREMENTS WHERE 'a' = host AND host > 'a'",
  "SHOW MEASUREMENTS WHERE true AND host > 'a'",
  "SHOW MEASUREMENTS WHERE host > 'a' AND 'a' = host",
  "SHOW MEASUREMENTS WITH MEASUREMENT =~ /^$/ WHERE 'a' = host",
  'SHOW MEASUREMENTS ON none WHERE (host)',
  'SHOW TAG KEYS WHERE abs(3) = 3',
  'SHOW TAG VALUES WITH KEY = host WHERE abs(3) = 3',
  'SHOW SERIES EXACT CARDINALITY WHERE abs(3) = 3',
  'SHOW SERIES ON none WHERE (host)',
  'SHOW TAG KEYS ON none WHERE (host)',
  'SHOW TAG VALUES ON none WITH KEY = host WHERE (host)',
  'SHOW TAG VALUES FROM none.cpu WITH KEY = host WHERE (host)',
  'SHOW SERIES FROM none.cpu WHERE (host)',
  'SHOW SERIES EXACT CARDINALITY ON none WHERE (host)',
  'SHOW SERIES EXACT CARDINALITY FROM none.cpu WHERE (host)',
  'SHOW FIELD KEY CARDINALITY FROM none.cpu WHERE (host)',
  'SHOW SERIES FROM none..cpu WHERE (host)',
]; // prettier-ignore

const params = [
  '{"p":{"integer":1e3}}',
  '{"p":1,"q":{"integer":1e3}}',
  '{"p":{"float":1.5e999}}',
  '{"p":1.5e999}',
  '{"p":-0.0}',
  '{"p":1.5e21}',
  '{"p":{"nosuch":9223372036854775808}}',
];

function query(q: string, bound?: string): HttpRequest {
  const more = bound === undefined ? '' : `&params=${encodeURIComponent(bound)}`;
  return { method: 'POST', path: `/query?db=golden&q=${encodeURIComponent(q)}${more}` };
}

export const grammarRequests: readonly HttpRequest[] = [
  ...statements.map((q) => query(q)),
  ...params.flatMap((bound) => [
    query('SELECT load * $p FROM cpu LIMIT 1', bound),
    query('SELECT load FROM $p LIMIT 1', bound),
  ]),
];
