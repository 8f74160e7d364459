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
