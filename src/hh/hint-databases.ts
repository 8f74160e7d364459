import type { Statistic } from '../telemetry/statistics.ts';

/** `hh_database` (spec 1.11): what the processors of one database and node count, together. Shards that are gone have none. */
export function databaseStatistics(
  processors: readonly Statistic[],
  databaseOf: (shardId: number) => string | undefined,
): readonly Statistic[] {
  const sums = new Map<string, { readonly tags: Statistic['tags']; values: Statistic['values'] }>();
  for (const { name, tags, values } of processors) {
    if (name !== 'hh_processor') continue;
    const { node = '', path = '' } = tags;
    const db = databaseOf(Number(path.slice(path.lastIndexOf('/') + 1)));
    if (db === undefined) continue;
    const key = `${node} ${db}`;
    const sum = sums.get(key) ?? { tags: { db, node }, values: {} };
    sum.values = Object.fromEntries(Object.entries(values).map(([field, value]) => [field, (sum.values[field] ?? 0) + value])); // prettier-ignore
    sums.set(key, sum);
  }
  return Array.from(sums.values(), (sum) => ({ name: 'hh_database', ...sum }));
}
