import type { TimeZone } from './time-zone.ts';

const nsPerMs = 1_000_000n;
const nsPerSecond = 1_000_000_000n;

/** Int64 nanoseconds since 1970 as UTC text, the fraction without trailing zeros: `2026-11-24T05:00:00.25Z`. */
export function formatRfc3339(timeNs: bigint): string {
  const fractionNs = ((timeNs % nsPerSecond) + nsPerSecond) % nsPerSecond;
  const wholeMs = (timeNs - fractionNs) / nsPerMs;
  const whole = new Date(Number(wholeMs)).toISOString().slice(0, -5);
  if (fractionNs === 0n) return `${whole}Z`;
  return `${whole}.${fractionNs.toString().padStart(9, '0').replace(/0+$/, '')}Z`;
}

/** The same on the clock of a time zone, with its offset: `2026-11-24T06:00:00.25+01:00`. */
export function formatRfc3339In(timeNs: bigint, zone: Pick<TimeZone, 'offsetSeconds'>): string {
  const seconds = zone.offsetSeconds(timeNs);
  const local = formatRfc3339(timeNs + BigInt(seconds) * nsPerSecond);
  if (seconds === 0) return local;
  const minutes = Math.trunc(Math.abs(seconds) / 60);
  const [hour, minute] = [Math.floor(minutes / 60), minutes % 60].map((part) => String(part).padStart(2, '0')); // prettier-ignore
  return `${local.slice(0, -1)}${seconds < 0 ? '-' : '+'}${hour}:${minute}`;
}

/** As Go's `time.Time` prints itself in UTC. */
export function formatGoTime(timeNs: bigint): string {
  return formatRfc3339(timeNs).replace('T', ' ').replace('Z', ' +0000 UTC');
}

let [lastMs, lastText] = [0, '1970-01-01T00:00:00.000'];

/** As logs have times: `2026-11-24T06:58:24.123456Z`: microseconds, UTC. */
export function formatLogTime(wallNs: bigint): string {
  const micros = wallNs / 1000n;
  const ms = Number(micros / 1000n);
  // Lines come by the hundred in a millisecond.
  if (ms !== lastMs) [lastMs, lastText] = [ms, new Date(ms).toISOString().slice(0, -1)];
  return `${lastText}${String(micros % 1000n).padStart(3, '0')}Z`;
}
