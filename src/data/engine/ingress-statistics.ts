import { keyOf, type IngressCount, type IngressOptions } from '../../storage/store/ingress.ts';
import type { Statistic } from '../../telemetry/statistics.ts';

/** The statistic `ingress` of what the workers have counted, in the reference's order. */
export function ingressStatistics(
  counts: readonly IngressCount[],
  { byMeasurement, byLogin }: IngressOptions,
): readonly Statistic[] {
  const merged = new Map<string, IngressCount>();
  for (const one of counts) merged.set(keyOf(one), sum(one, merged.get(keyOf(one))));
  return [...merged.values()].sort(byPlace).map((count) => {
    const { measurement, database: db, retentionPolicy: rp, login } = count;
    const { pointCount: pointsWritten, seriesCount: seriesCreated, valueCount } = count;
    return {
      name: 'ingress',
      tags: { ...(byMeasurement && { db }), ...(byLogin && { login }), ...(byMeasurement && { measurement, rp }) }, // prettier-ignore
      values: { pointsWritten, seriesCreated, valuesWritten: valueCount },
    };
  });
}

function sum(one: IngressCount, other: IngressCount | undefined): IngressCount {
  if (other === undefined) return one;
  return {
    ...one,
    pointCount: one.pointCount + other.pointCount,
    valueCount: one.valueCount + other.valueCount,
    seriesCount: one.seriesCount + other.seriesCount,
  };
}

function byPlace(a: IngressCount, b: IngressCount): number {
  for (const key of ['database', 'retentionPolicy', 'measurement', 'login'] as const)
    if (a[key] !== b[key]) return a[key] < b[key] ? -1 : 1;
  return 0;
}
