import { expect, test } from 'vitest';
import { minuteNs, secondNs } from '../base/units.ts';
import { printStatement } from '../influxql/printer.ts';
import { parseContinuousQuery, withTimeRange } from './continuous-query.ts';

const create = (select: string, resample = '') =>
  `CREATE CONTINUOUS QUERY q ON db ${resample} BEGIN SELECT ${select} END`;

test('continuous query: its rules are those of RESAMPLE and GROUP BY', () => {
  const text = create(
    'mean(f) INTO o FROM m GROUP BY time(1m, 10s), host',
    'RESAMPLE EVERY 5s FOR 2m',
  );
  expect(parseContinuousQuery(text).resampling(0n)).toEqual({
    intervalNs: minuteNs,
    offsetNs: 10n * secondNs,
    everyNs: 5n * secondNs,
    forNs: 2n * minuteNs,
    zone: undefined,
  });
});

test('continuous query: an offset of now() is that of the moment', () => {
  const { resampling } = parseContinuousQuery(
    create('mean(f) INTO o FROM m GROUP BY time(1m, now())'),
  );
  expect([resampling(7n).offsetNs, resampling(9n).offsetNs]).toEqual([7n, 9n]);
});

test('continuous query: raw ones never run, or say why', () => {
  expect(parseContinuousQuery(create('f INTO o FROM m')).resampling(0n).intervalNs).toBe(0n);
  const { resampling } = parseContinuousQuery(create('f INTO o FROM m GROUP BY time(1m)'));
  expect(() => resampling(0n)).toThrow('continuous queries must be aggregate queries');
  expect(() => parseContinuousQuery('SELECT f FROM m')).toThrow(
    "query isn't a valid continuous query",
  );
});

const range = "time >= '1970-01-01T00:00:00.000000001Z' AND time < '1970-01-01T00:01:00Z'";

test.each([
  ['', range],
  ["WHERE host = 'a'", `(host = 'a') AND ${range}`],
  ["WHERE host = 'a' OR f > 1", `(host = 'a' OR f > 1) AND ${range}`],
  ['WHERE time > now() - 1h', range],
  ["WHERE time > now() - 1h AND host = 'a'", `(host = 'a') AND ${range}`],
  ["WHERE time > now() - 1h OR host = 'a'", range],
  ["WHERE (time > 5 AND (host = 'a')) AND time < 9", `(host = 'a') AND ${range}`],
])('continuous query: of %j the range alone says the time', (where, condition) => {
  const { select } = parseContinuousQuery(
    create(`mean(f) INTO o FROM m ${where} GROUP BY time(1m)`),
  );
  const printed = printStatement(withTimeRange(select, { startNs: 1n, endNs: minuteNs }));
  expect(printed).toContain(`WHERE ${condition} GROUP BY`);
});
