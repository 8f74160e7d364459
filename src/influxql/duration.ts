import { DbError } from '../base/errors.ts';

const unitNs: Readonly<Record<string, bigint>> = {
  ns: 1n,
  n: 1n,
  u: 1_000n,
  µ: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
  d: 86_400_000_000_000n,
  w: 604_800_000_000_000n,
};
const maxNs = 9223372036854775807n;

/**
 * A duration of the language, `1h30m`, in nanoseconds. Throws parse_error on anything else or past int64, where influxd
 * lets a product of one number and its unit wrap around (`99999w` is 162 years there).
 */
export function parseDurationNs(text: string): bigint {
  const parts = [...text.matchAll(/(\d+)(ns|ms|n|u|µ|s|m|h|d|w)/gy)];
  const length = parts.reduce((sum, [part]) => sum + part.length, 0);
  if (parts.length === 0 || length !== text.length)
    throw new DbError('parse_error', 'invalid duration');
  let totalNs = 0n;
  for (const [, digits = '0', unit = 'ns'] of parts)
    totalNs += BigInt(digits) * (unitNs[unit] ?? 1n);
  if (totalNs > maxNs) throw new DbError('parse_error', 'overflowed duration');
  return totalNs;
}

/** The language's own form: the largest unit that divides it (`90m`, not `1h30m`). */
export function formatDuration(valueNs: bigint): string {
  if (valueNs === 0n) return '0s';
  for (const unit of ['w', 'd', 'h', 'm', 's', 'ms', 'u'] as const) {
    const size = unitNs[unit] ?? 1n;
    if (valueNs % size === 0n) return `${valueNs / size}${unit}`;
  }
  return `${valueNs}ns`;
}

/** Go's form of a duration, as in `168h0m0s`, `1.5s` and `10ms`. */
export function formatGoDuration(valueNs: bigint): string {
  if (valueNs === 0n) return '0s';
  const sign = valueNs < 0n ? '-' : '';
  const ns = valueNs < 0n ? -valueNs : valueNs;
  if (ns < 1_000n) return `${sign}${ns}ns`;
  if (ns < 1_000_000n) return `${sign}${decimal(ns, 1_000n)}µs`;
  if (ns < 1_000_000_000n) return `${sign}${decimal(ns, 1_000_000n)}ms`;
  const minutes = ns / 60_000_000_000n;
  const seconds = decimal(ns % 60_000_000_000n, 1_000_000_000n);
  if (minutes === 0n) return `${sign}${seconds}s`;
  const hours = minutes / 60n;
  return hours === 0n
    ? `${sign}${minutes}m${seconds}s`
    : `${sign}${hours}h${minutes % 60n}m${seconds}s`;
}

function decimal(value: bigint, unit: bigint): string {
  const fraction = String(value % unit)
    .padStart(String(unit).length - 1, '0')
    .replace(/0+$/, '');
  return fraction === '' ? String(value / unit) : `${value / unit}.${fraction}`;
}
