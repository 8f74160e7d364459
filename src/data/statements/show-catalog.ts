import { formatRfc3339 } from '../../base/rfc3339.ts';
import { formatGoDuration } from '../../influxql/duration.ts';
import {
  type Catalog,
  type Database,
  type RetentionPolicy,
  type ShardGroup,
} from '../../meta/model/catalog.ts';
import type { Cell, RowSeries } from '../../query/emit/result.ts';
import { sees, type Principal } from './principal.ts';
import { mustFindDatabase } from './schema/schema-scope.ts';

/** SHOW statements that the catalog alone answers (spec 6.2). */
export function showDatabases(catalog: Catalog, asking: Principal): RowSeries {
  const rows = shownDatabases(catalog, asking).map(({ name }) => [name]);
  return { kind: 'rows', name: 'databases', columns: ['name'], rows };
}

export function showRetentionPolicies(catalog: Catalog, name: string): RowSeries {
  const database = mustFindDatabase(catalog, name);
  const rows = database.retentionPolicies.map((policy): Cell[] => [
    policy.name,
    formatGoDuration(policy.durationNs),
    formatGoDuration(policy.shardGroupDurationNs),
    policy.replicaCount,
    formatGoDuration(policy.futureLimitNs),
    formatGoDuration(policy.pastLimitNs),
    policy.name === database.defaultRetentionPolicy,
  ]);
  const columns = [
    'name',
    'duration',
    'shardGroupDuration',
    'replicaN',
    'futureWriteLimit',
    'pastWriteLimit',
    'default',
  ];
  return { kind: 'rows', columns, rows };
}

function shownDatabases({ databases }: Catalog, asking: Principal): readonly Database[] {
  return [...databases].filter(({ name }) => sees(asking, name));
}

/** A series for each database, without rows where it has none. */
export function showContinuousQueries(catalog: Catalog, asking: Principal): readonly RowSeries[] {
  return shownDatabases(catalog, asking).map(({ name, continuousQueries = [] }) => {
    const rows = continuousQueries.map((query): Cell[] => [query.name, query.text]);
    return { kind: 'rows', name, columns: ['name', 'query'], rows };
  });
}

/** A series for each database that has some. */
export function showSubscriptions(catalog: Catalog): readonly RowSeries[] {
  const columns = ['retention_policy', 'name', 'mode', 'destinations'];
  return catalog.databases.flatMap(({ name, retentionPolicies }): RowSeries[] => {
    const rows = retentionPolicies.flatMap(
      (policy) =>
      (policy.subscriptions ?? []).map((one): Cell[] => [policy.name, one.name, one.mode, one.destinations]), // prettier-ignore
    );
    return rows.length === 0 ? [] : [{ kind: 'rows', name, columns, rows }];
  });
}

export function showShards(catalog: Catalog): readonly RowSeries[] {
  const columns = [
    'id',
    'database',
    'retention_policy',
    'shard_group',
    'start_time',
    'end_time',
    'expiry_time',
    'owners',
  ];
  return catalog.databases.map((database) => {
    const rows = liveGroups(database).flatMap(({ policy, group }) =>
      group.shards.map(({ id, owners }): Cell[] => {
        const [start, end, expiry] = timesOf(policy, group);
        const place = [id, database.name, policy.name, group.id];
        // A shard that is kept forever does not expire; SHOW SHARD GROUPS says its end all the same, as the reference.
        return [...place, start, end, policy.durationNs === 0n ? '' : expiry, owners.join(',')];
      }),
    );
    return { kind: 'rows', name: database.name, columns, rows };
  });
}

export function showShardGroups(catalog: Catalog): RowSeries {
  const rows = catalog.databases.flatMap((database) =>
    liveGroups(database).map(({ policy, group }): Cell[] => [
      group.id,
      database.name,
      policy.name,
      ...timesOf(policy, group),
    ]),
  );
  const columns = ['id', 'database', 'retention_policy', 'start_time', 'end_time', 'expiry_time'];
  return { kind: 'rows', name: 'shard groups', columns, rows };
}

function liveGroups(
  database: Database,
): readonly { readonly policy: RetentionPolicy; readonly group: ShardGroup }[] {
  return database.retentionPolicies.flatMap((policy) =>
    policy.shardGroups
      .filter((group) => group.deletedAtNs === undefined)
      .map((group) => ({ policy, group })),
  );
}

function timesOf(policy: RetentionPolicy, group: ShardGroup): [string, string, string] {
  const expiryNs = group.endNs + policy.durationNs;
  return [formatRfc3339(group.startNs), formatRfc3339(group.endNs), formatRfc3339(expiryNs)];
}
