import { formatRfc3339 } from '../../base/rfc3339.ts';
import { DbError } from '../../base/errors.ts';
import { formatGoDuration } from '../../influxql/duration.ts';
import {
  findDatabase,
  type Catalog,
  type Database,
  type RetentionPolicy,
  type ShardGroup,
} from '../../meta/model/catalog.ts';
import type { Cell, RowSeries } from '../../query/emit/result.ts';

/** SHOW statements that the catalog alone answers (spec 6.2). */
export function showDatabases(catalog: Catalog): RowSeries {
  const rows = catalog.databases.map(({ name }) => [name]);
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
        return [...place, start, end, expiry, owners.join(',')];
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

/** Throws the reference's texts for no name and for a database that is not there. */
export function mustFindDatabase(catalog: Catalog, name: string): Database {
  if (name === '') throw new DbError('invalid_argument', 'database name required');
  const database = findDatabase(catalog, name);
  if (database === undefined)
    throw new DbError('database_not_found', `database not found: ${name}`);
  return database;
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
