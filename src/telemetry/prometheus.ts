import type { Statistic } from './statistics.ts';

export const prometheusType = 'text/plain; version=0.0.4; charset=utf-8';

/**
 * Statistics in Prometheus' text format: `influxdb_<statistic>_<field>`, as collectors of /debug/vars name them, tags as
 * labels. Whether a number only grows its name does not say, so none is typed.
 */
export function printPrometheus(statistics: readonly Statistic[]): string {
  const byMetric = new Map<string, string[]>();
  for (const { name, tags, values } of statistics) {
    const labels = Object.entries(tags).map(([key, value]) => `${nameOf(key)}="${escaped(value)}"`);
    const of = labels.length === 0 ? '' : `{${labels.join(',')}}`;
    for (const [field, value] of Object.entries(values)) {
      const metric = `influxdb_${nameOf(name)}_${nameOf(field)}`;
      const lines = byMetric.get(metric) ?? [`# TYPE ${metric} untyped`];
      byMetric.set(metric, lines);
      lines.push(`${metric}${of} ${value}`);
    }
  }
  return [...byMetric.values()].map((lines) => `${lines.join('\n')}\n`).join('');
}

function nameOf(text: string): string {
  return text.replaceAll(/[^a-zA-Z0-9_]/g, '_');
}

function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
