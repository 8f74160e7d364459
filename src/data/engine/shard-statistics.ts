/**
 * Statistics of shards and databases of this node (spec 1.11): what there is of the reference's fields; those of parts that
 * are built otherwise here are left out.
 */
import type { Databases } from '../../meta/model/databases.ts';
import type { Statistic } from '../../telemetry/statistics.ts';
import type { CountedShard } from './shard-counters.ts';

export interface ShardFolders {
  readonly dataFolder: string;
  readonly walFolder: string;
  readonly indexType: string;
}

export function shardStatistics(
  shards: readonly CountedShard[],
  databases: Databases,
  folders: ShardFolders,
): readonly Statistic[] {
  return [
    ...shards.flatMap((shard) => ofShard(shard, folders)),
    ...ofDatabases(shards, databases),
    ofStore(shards),
  ];
}

function ofShard(
  shard: CountedShard,
  { dataFolder, walFolder, indexType }: ShardFolders,
): readonly Statistic[] {
  const { shardId, database, retentionPolicy, fileCount, filesBytes, memtableBytes } = shard;
  const { writes, engine, cache, stalls, fieldsCreatedCount: fieldsCreate } = shard;
  const place = `${database}/${retentionPolicy}/${shardId}`;
  const tags = {
    database,
    engine: 'tsm1',
    id: String(shardId),
    indexType,
    path: `${dataFolder}/${place}`,
    retentionPolicy,
    walPath: `${walFolder}/${place}`,
  };
  const { writeReqOk = 0, writeReqErr = 0 } = writes;
  const diskBytes = filesBytes;
  return [
    {
      name: 'shard',
      tags,
      values: { diskBytes, fieldsCreate, ...writes, seriesCreate: shard.seriesCount },
    },
    { name: 'tsm1_cache', tags, values: { diskBytes: 0, memBytes: memtableBytes, ...cache, writeDropped: 0, writeErr: writeReqErr, writeOk: writeReqOk } }, // prettier-ignore
    { name: 'tsm1_engine', tags, values: engine },
    // Ours, and only where there is something to tell: the reference does not look.
    ...Object.entries(stalls)
      .filter(([, count]) => count > 0)
      .map(([name, count]) => ({ name, tags, values: { stalls: count } })),
    { name: 'tsm1_filestore', tags, values: { diskBytes, numFiles: fileCount } },
    { name: 'tsm1_wal', tags, values: { currentSegmentDiskBytes: 0, oldSegmentsDiskBytes: 0, writeErr: writeReqErr, writeOk: writeReqOk } }, // prettier-ignore
  ];
}

/**
 * Series of a database are those of its fullest group: groups have most of them in common, shards of a group none.
 * Measurements are those of its fullest shard: shards have most of them in common too.
 */
function ofDatabases(shards: readonly CountedShard[], databases: Databases): readonly Statistic[] {
  const byDatabase = new Map<string, Map<number, number>>();
  const measurements = new Map<string, number>();
  for (const { shardId, database, seriesCount, measurementCount } of shards) {
    measurements.set(database, Math.max(measurements.get(database) ?? 0, measurementCount));
    const groups = byDatabase.get(database) ?? new Map<number, number>();
    byDatabase.set(database, groups);
    const groupId = databases.shard(shardId)?.group.id ?? 0;
    groups.set(groupId, (groups.get(groupId) ?? 0) + seriesCount);
  }
  return [...byDatabase].map(([database, groups]) => ({
    name: 'database',
    tags: { database },
    values: { numMeasurements: measurements.get(database) ?? 0, numSeries: Math.max(...groups.values()) }, // prettier-ignore
  }));
}

function ofStore(shards: readonly CountedShard[]): Statistic {
  let [pointsWritten, seriesCreated, valuesWritten] = [0, 0, 0];
  for (const { writes, seriesCount } of shards) {
    pointsWritten += writes['writePointsOk'] ?? 0;
    seriesCreated += seriesCount;
    valuesWritten += writes['writeValuesOk'] ?? 0;
  }
  return { name: 'localStore', tags: {}, values: { pointsWritten, seriesCreated, valuesWritten } };
}
