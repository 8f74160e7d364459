import { expect, test } from 'vitest';
import { formatGoDuration } from '../influxql/duration.ts';
import { durationMs, parseTomlDurationNs } from './toml-duration.ts';

const readable: readonly (readonly [string, bigint])[] = [
  ['0', 0n],
  ['-0', 0n],
  ['0s', 0n],
  ['1ns', 1n],
  ['1us', 1_000n],
  ['1µs', 1_000n],
  ['1μs', 1_000n],
  ['50ms', 50_000_000n],
  ['1.5s', 1_500_000_000n],
  ['.5s', 500_000_000n],
  ['1.s', 1_000_000_000n],
  ['10m0s', 600_000_000_000n],
  ['1h30m', 5_400_000_000_000n],
  ['168h0m0s', 604_800_000_000_000n],
  ['5d', 432_000_000_000_000n],
  ['1w', 604_800_000_000_000n],
  ['-1.5h', -5_400_000_000_000n],
  ['+2s', 2_000_000_000n],
  ['0.9999999999ns', 0n],
  ['9223372036854775807ns', 9223372036854775807n],
];

test.each(readable)('toml duration: reads %s', (text, ns) => {
  expect(parseTomlDurationNs(text)).toBe(ns);
});

test('toml duration: reads what it prints', () => {
  for (const [, ns] of readable) expect(parseTomlDurationNs(formatGoDuration(ns))).toBe(ns);
  expect(formatGoDuration(parseTomlDurationNs('4h'))).toBe('4h0m0s');
});

test.each([
  ['', 'time: invalid duration ""'],
  ['-', 'time: invalid duration "-"'],
  ['abc', 'time: invalid duration "abc"'],
  ['.s', 'time: invalid duration ".s"'],
  ['10', 'time: missing unit in duration "10"'],
  ['1h30', 'time: missing unit in duration "1h30"'],
  ['10 s', 'time: unknown unit " s" in duration "10 s"'],
  ['1y', 'time: unknown unit "y" in duration "1y"'],
  ['1constructor', 'time: unknown unit "constructor" in duration "1constructor"'],
  ['9223372036854775808ns', 'time: invalid duration "9223372036854775808ns"'],
  ['99999999w', 'time: invalid duration "99999999w"'],
])('toml duration: refuses %j', (text, reason) => {
  expect(() => parseTomlDurationNs(text)).toThrow(reason);
});

test('toml duration: milliseconds keep the nanoseconds', () => {
  expect(durationMs(600_000_000_000n)).toBe(600_000);
  expect(durationMs(100_000n)).toBe(0.1);
  expect(durationMs(1n)).toBe(0.000001);
});
