import { formatRfc3339 } from '../../base/rfc3339.ts';
import { formatGoDuration } from '../../influxql/duration.ts';
import type { RetentionRules } from '../../meta/model/catalog.ts';
import type { DroppedPoint, DroppedPoints, TimeBound } from '../engine/lines/point-sieve.ts';

const boundNames: Readonly<Record<TimeBound, string>> = {
  retentionMinNs: 'Retention Policy Lower Bound',
  windowMinNs: 'Write Window Lower Bound',
  windowMaxNs: 'Write Window Upper Bound',
};

/** Why points were not taken, as the reference says it since 1.12.3 (spec 4.2). */
export function describeDropped(dropped: DroppedPoints, rules: RetentionRules): string {
  const duration = formatGoDuration(rules.durationNs);
  const retention = `${dropped.retentionCount} points outside retention policy of duration ${duration}`;
  const oldest = describePoint(dropped.oldest);
  const newest = describePoint(dropped.newest);
  return `dropped ${retention}${describeWindow(dropped, rules)} - oldest ${oldest}, newest ${newest}`;
}

/** Of a policy with a window, also when all of the points are within it. */
function describeWindow({ windowCount }: DroppedPoints, rules: RetentionRules): string {
  const limits: string[] = [];
  if (rules.pastLimitNs > 0n) limits.push(`-${formatGoDuration(rules.pastLimitNs)}`);
  if (rules.futureLimitNs > 0n) limits.push(formatGoDuration(rules.futureLimitNs));
  if (limits.length === 0) return '';
  return ` and ${windowCount} points outside write window (${limits.join(' to ')})`;
}

function describePoint({ seriesKey, timeNs, bound, boundNs }: DroppedPoint): string {
  const violation = `violates a ${boundNames[bound]} at ${formatRfc3339(boundNs)}`;
  return `point ${seriesKey} at ${formatRfc3339(timeNs)} dropped because it ${violation}`;
}
