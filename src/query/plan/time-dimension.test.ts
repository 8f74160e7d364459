import { expect, test } from 'vitest';
import { parseQuery } from '../../influxql/parser.ts';
import { compileGroupBy } from './time-dimension.ts';

/** The offset of GROUP BY time(...) at a moment, in nanoseconds. */
function offsetOf(interval: string, now: string): bigint {
  const [statement] = parseQuery(`SELECT mean(v) FROM m GROUP BY time(${interval}, now())`);
  if (statement?.kind !== 'select') throw new Error('it is one');
  const nowNs = BigInt(Date.parse(now)) * 1_000_000n;
  return compileGroupBy(statement.dimensions, nowNs, undefined).offsetNs;
}

test('time(): now() moves windows by what has passed of one since the year 1, as in 1.12.4', () => {
  const dayMs = 86_400_000;
  const ofDayMs = Date.parse('1970-01-01T14:04:22Z');
  const now = '2026-11-28T14:04:22Z';
  // A Saturday, of a week that began on Monday: windows begin on Tuesdays, as those of 1970 do on Thursdays without it.
  expect(offsetOf('1w', now)).toBe(BigInt(5 * dayMs + ofDayMs) * 1_000_000n);
  expect(offsetOf('1d', now)).toBe(BigInt(ofDayMs) * 1_000_000n);
  const windowMs = Date.parse('1999-12-28T14:04:22Z') - Number(offsetOf('1w', now) / 1_000_000n);
  expect(windowMs % (7 * dayMs)).toBe(0);
});

/** As the windows of a 1.12.4 begin, in seconds, or what it says. */
test.each([
  ["1h, '2000-01-01 00:07:03' - 90m", 37 * 60 + 3],
  ["1h, 90m + '2000-01-01 00:07:03'", 37 * 60 + 3],
  ["1h, '2000-01-01T00:10:00Z' - '2000-01-01'", 600],
  ['1h, 0 + 10m', 600],
  ['1h, 10m + 5m', 900],
  ["7m, '1965-01-01 00:07:03' + 1h", 183],
  ['1h, now() - now()', 'time dimension offset must be duration or now()'],
  ["1h, '2000-13-01' + 1h", 'time dimension offset must be duration or now()'],
  ['1h, host + 1h', 'time dimension offset must be duration or now()'],
])('time(%s): what its offset comes to', (args, expected) => {
  const [statement] = parseQuery(`SELECT mean(v) FROM m GROUP BY time(${args})`);
  if (statement?.kind !== 'select') throw new Error('it is one');
  const { dimensions } = statement;
  const compiled = () => compileGroupBy(dimensions, 0n, undefined);
  if (typeof expected === 'string') expect(compiled).toThrow(expected);
  else expect(Number(compiled().offsetNs / 1_000_000_000n)).toBe(expected);
});

/** As a 1.12.4 answers: windows by the first interval, checks and the end of time by the last. */
test.each([
  ['time(1h)', [3_600n, 3_600n]],
  ['time(0s), time(1h)', [0n, 3_600n]],
  ['time(0s), time(0s), time(1h, 10m)', [0n, 3_600n]],
  ['time(0s), time(-1h)', [0n, -3_600n]],
  ['time(-1h)', [0n, -3_600n]],
  ['time(1h), time(0s)', 'multiple time dimensions not allowed'],
  ['time(-1h), time(1h)', 'multiple time dimensions not allowed'],
])('GROUP BY %s: which interval counts', (written, expected) => {
  const [statement] = parseQuery(`SELECT mean(v) FROM m GROUP BY ${written}`);
  if (statement?.kind !== 'select') throw new Error('it is one');
  const compiled = () => compileGroupBy(statement.dimensions, 0n, undefined);
  if (typeof expected === 'string') {
    expect(compiled).toThrow(expected);
    return;
  }
  const { intervalNs, writtenNs, offsetNs } = compiled();
  expect([intervalNs / 1_000_000_000n, writtenNs / 1_000_000_000n]).toEqual(expected);
  expect(offsetNs).toBe(0n);
});
