import { formatRfc3339 } from '../../base/rfc3339.ts';
import { formatGoDuration } from '../../influxql/duration.ts';
import type { RetentionRules } from '../../meta/model/catalog.ts';
import type { DroppedPoint, DroppedPoints, TimeBound } from '../engine/route-lines.ts';

const boundNames: Readonly<Record<TimeBound, string>> = {
  retentionMinNs: 'Retention Policy Lower Bound',
  windowMinNs: 'Write Window Lower Bound',
  windowMaxNs: 'Write Window Upper Bound',
};

/** Why points were not taken, as the reference says it since 1.12.3 (spec 4.2). */
export function describeDropped(dropped: DroppedPoints, rules: RetentionRules): string {
  const parts: string[] = [];
  if (dropped.retentionCount > 0) {
    const duration = formatGoDuration(rules.durationNs);
    parts.push(`${dropped.retentionCount} points outside retention policy of duration ${duration}`);
  }
  if (dropped.windowCount > 0) {
    const past = formatGoDuration(rules.pastLimitNs);
    const future = formatGoDuration(rules.futureLimitNs);
    parts.push(`${dropped.windowCount} points outside write window (-${past} to ${future})`);
  }
  const oldest = describePoint(dropped.oldest);
  return `dropped ${parts.join(' and ')} - oldest ${oldest}, newest ${describePoint(dropped.newest)}`;
}

function describePoint({ seriesKey, timeNs, bound, boundNs }: DroppedPoint): string {
  const violation = `violates a ${boundNames[bound]} at ${formatRfc3339(boundNs)}`;
  return `point ${seriesKey} at ${formatRfc3339(timeNs)} dropped because it ${violation}`;
}
