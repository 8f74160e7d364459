import { formatGoDuration } from '../../../influxql/duration.ts';

const nsPerMs = 1_000_000;
const int64Max = 2n ** 63n - 1n;

/** A duration as Go's `Time.Sub` gives it: what is beyond 64 bits stops at their ends. */
export function formatSpan(fromNs: bigint, toNs: bigint): string {
  const spanNs = toNs - fromNs;
  if (spanNs > int64Max) return formatGoDuration(int64Max);
  return formatGoDuration(spanNs < -int64Max - 1n ? -int64Max - 1n : spanNs);
}

/** Milliseconds of a clock as Go prints a duration. */
export function formatElapsed(elapsedMs: number): string {
  return formatGoDuration(BigInt(Math.round(elapsedMs * nsPerMs)));
}
