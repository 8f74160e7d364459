import type { Statistic } from './statistics.ts';

export const prometheusType = 'text/plain; version=0.0.4; charset=utf-8';

/**
 * Statistics in Prometheus' text format: `influxdb_<statistic>_<field>` in its own way of writing names, times in seconds,
 * tags as labels. Whether a number only grows its name does not say, so none is typed.
 */
export function printPrometheus(statistics: readonly Statistic[]): string {
  const byMetric = new Map<string, string[]>();
  for (const { name, tags, values } of statistics) {
    const labels = Object.entries(tags).map(([key, value]) => `${nameOf(key)}="${escaped(value)}"`);
    const of = labels.length === 0 ? '' : `{${labels.join(',')}}`;
    for (const [field, value] of Object.entries(values)) {
      const [shown, perUnit] = baseUnit(field);
      const metric = `influxdb_${nameOf(name)}_${nameOf(shown)}`;
      const lines = byMetric.get(metric) ?? headOf(metric, name, field);
      byMetric.set(metric, lines);
      lines.push(`${metric}${of} ${value / perUnit}`);
    }
  }
  return [...byMetric.values()].map((lines) => `${lines.join('\n')}\n`).join('');
}

function headOf(metric: string, name: string, field: string): string[] {
  const help = `${field} of ${name}, as SHOW STATS has it.`
    .replaceAll('\\', '\\\\')
    .replaceAll('\n', '\\n');
  return [`# HELP ${metric} ${help}`, `# TYPE ${metric} untyped`];
}

/** How the field is called in seconds, and how many of its unit are one. */
function baseUnit(field: string): readonly [name: string, perUnit: number] {
  const [, what = '', unit = ''] = /^(.*[a-z])(Ns|Ms)$/.exec(field) ?? [];
  if (unit === '') return [field, 1];
  return [`${what}Seconds`, unit === 'Ns' ? 1e9 : 1e3];
}

/** `queryReqDurationNs` is `query_req_duration_ns`, `WALCompactionTime` is `wal_compaction_time`. */
function nameOf(text: string): string {
  return text
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replaceAll(/([A-Z])([A-Z][a-z])/g, '$1_$2')
    .replaceAll(/[^a-zA-Z0-9_]/g, '_')
    .toLowerCase();
}

function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
