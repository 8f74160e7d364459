import { DbError } from '../base/errors.ts';

const unitNs: Readonly<Record<string, bigint>> = {
  ns: 1n,
  u: 1_000n,
  µ: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
  d: 86_400_000_000_000n,
  w: 604_800_000_000_000n,
};
const nsPerMs = 1_000_000;
const maxNs = 9223372036854775807n;

/**
 * A duration of the language, `1h30m`, in nanoseconds. Sums wrap around in int64 as in the reference, so that only a
 * negative end is told from a good one: `20000w` is an overflow, `100000w` is not. A bound one may be negative by itself.
 * Throws parse_error.
 */
export function parseDurationNs(text: string): bigint {
  if (!text.startsWith('-')) return durationOf(text, { isNegative: false });
  return BigInt.asIntN(64, -durationOf(text.slice(1), { isNegative: true }));
}

function durationOf(text: string, { isNegative }: { readonly isNegative: boolean }): bigint {
  const parts = [...text.matchAll(/(\d+)(ns|ms|u|µ|s|m|h|d|w)/gy)];
  const length = parts.reduce((sum, [part]) => sum + part.length, 0);
  const isNumber = (digits = '0'): boolean => BigInt(digits) <= maxNs;
  if (
    parts.length === 0 ||
    length !== text.length ||
    !parts.every(([, digits]) => isNumber(digits))
  )
    throw new DbError('parse_error', 'invalid duration');
  let totalNs = 0n;
  for (const [, digits = '0', unit = 'ns'] of parts)
    totalNs = BigInt.asIntN(64, totalNs + BigInt(digits) * (unitNs[unit] ?? 1n));
  if (totalNs >= 0n || isNegative) return totalNs;
  const [, digits = '0', unit = 'ns'] = parts[parts.length - 1] ?? [];
  const last = `${BigInt(digits)}${unit}`;
  throw new DbError('parse_error', `overflowed duration ${last}: choose a smaller duration or INF`);
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

/** Milliseconds of a clock as Go prints a duration. */
export function formatElapsed(elapsedMs: number): string {
  return formatGoDuration(BigInt(Math.round(elapsedMs * nsPerMs)));
}

function decimal(value: bigint, unit: bigint): string {
  const fraction = String(value % unit)
    .padStart(String(unit).length - 1, '0')
    .replace(/0+$/, '');
  return fraction === '' ? String(value / unit) : `${value / unit}.${fraction}`;
}
