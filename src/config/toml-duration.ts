import { DbError } from '../base/errors.ts';

const unitNs: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  μs: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
  d: 86_400_000_000_000n,
  w: 604_800_000_000_000n,
};
const maxNs = 9223372036854775807n;

/**
 * A duration of a config file, `10m0s`, `1.5h`, `-1s`, `7d`, in nanoseconds: Go's grammar and the units d and w (spec 5).
 * A fraction finer than a nanosecond is cut off. Throws invalid_argument with Go's text, also past int64.
 * The way back is formatGoDuration of influxql/duration.ts.
 */
export function parseTomlDurationNs(text: string): bigint {
  const sign = /^[+-]/.exec(text)?.[0] ?? '';
  const unsigned = text.slice(sign.length);
  if (unsigned === '0') return 0n;
  if (unsigned === '') throw invalid(text);
  let totalNs = 0n;
  let rest = unsigned;
  while (rest !== '') {
    const [part, whole = '', fraction = '', unit = ''] =
      /^(\d*)(?:\.(\d*))?([^\d.]*)/.exec(rest) ?? [];
    if (part === undefined || whole + fraction === '') throw invalid(text);
    if (unit === '')
      throw new DbError('invalid_argument', `time: missing unit in duration "${text}"`);
    const sizeNs = Object.hasOwn(unitNs, unit) ? unitNs[unit] : undefined;
    if (sizeNs === undefined) {
      throw new DbError('invalid_argument', `time: unknown unit "${unit}" in duration "${text}"`);
    }
    totalNs += BigInt(whole) * sizeNs;
    totalNs += (BigInt(fraction) * sizeNs) / 10n ** BigInt(fraction.length);
    if (totalNs > maxNs) throw invalid(text);
    rest = rest.slice(part.length);
  }
  return sign === '-' ? -totalNs : totalNs;
}

/** Milliseconds, with a fraction for what is finer: exact to a nanosecond up to 104 days. */
export function durationMs(valueNs: bigint): number {
  return Number(valueNs) / 1_000_000;
}

function invalid(text: string): DbError {
  return new DbError('invalid_argument', `time: invalid duration "${text}"`);
}
