import { expect, test } from 'vitest';
import { errorText } from '../../base/errors.ts';
import { printStatement } from '../../influxql/printer.ts';
import { deleteTarget } from './delete-predicate.ts';

function told(predicate: string, start = '1970-01-01T00:00:00Z', stop = '1970-01-01T00:00:01Z') {
  try {
    const place = { database: 'd', retentionPolicy: 'p' };
    return printStatement({ kind: 'delete', ...deleteTarget({ start, stop, predicate }, place) });
  } catch (error) {
    return errorText(error);
  }
}

const range = "time >= '1970-01-01T00:00:00Z' AND time < '1970-01-01T00:00:01Z'";

test.each([
  ['', `DELETE WHERE ${range}`],
  ['_measurement="m" AND host="a"', `DELETE FROM m WHERE host = 'a' AND ${range}`],
  ["_measurement='m' AND (_measurement=n AND host='a')", `DELETE FROM m, n WHERE host = 'a' AND ${range}`], // prettier-ignore
  ['host =~ /a/', `DELETE WHERE host =~ /a/ AND ${range}`],
  ['v > 3', `DELETE WHERE v > 3 AND ${range}`],
  ['a != b', 'delete - predicate only supports equality operators and conjunctions. database: "d", retention policy: "p", start: "1970-01-01T00:00:00Z", stop: "1970-01-01T00:00:01Z", predicate: "a != b"'], // prettier-ignore
  ['a = b OR c = d', 'delete - predicate only supports equality operators and conjunctions. database: "d", retention policy: "p", start: "1970-01-01T00:00:00Z", stop: "1970-01-01T00:00:01Z", predicate: "a = b OR c = d"'], // prettier-ignore
  ['host=', `delete - cannot parse predicate "host= AND ${range}": found AND, expected identifier, string, number, bool at line 1, char 7`], // prettier-ignore
])('delete predicate: %s', (predicate, expected) => {
  expect(told(predicate)).toBe(expected);
});

test('delete predicate: one of very many terms is as deep as any other', () => {
  const many = Array.from({ length: 50_000 }, (_, i) => `a = '${i}'`).join(' AND ');
  expect(told(many)).toBe(`DELETE WHERE ${many} AND ${range}`);
});

test('delete predicate: a parenthesis too much does not cut off the range', () => {
  expect(told('_measurement=m) OR (a=b')).toContain('delete - cannot parse predicate');
});

test('delete predicate: bounds are given, and times', () => {
  expect(told('', 'x', '')).toBe('delete - stop field in RFC3339Nano format required');
  expect(told('', '', 'x')).toBe('delete - start field in RFC3339Nano format required');
  expect(told('', '1970-01-01')).toContain('cannot parse "" as "T"');
  expect(told('', '1970-01-01T00:00:00Z', 'y')).toBe(
    'delete - invalid format for stop field "y", please use RFC3339Nano: parsing time "y" as "2006-01-02T15:04:05.999999999Z07:00": cannot parse "y" as "2006"',
  );
});
