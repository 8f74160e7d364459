import { formatGoDuration } from '../../../influxql/duration.ts';

const int64Max = 2n ** 63n - 1n;

/** A duration as Go's `Time.Sub` gives it: what is beyond 64 bits stops at their ends. */
export function formatSpan(fromNs: bigint, toNs: bigint): string {
  const spanNs = toNs - fromNs;
  if (spanNs > int64Max) return formatGoDuration(int64Max);
  return formatGoDuration(spanNs < -int64Max - 1n ? -int64Max - 1n : spanNs);
}
