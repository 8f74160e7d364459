/**
 * `meta/meta.db` of a single InfluxDB: its databases, policies, groups and users, as one protobuf message (src/proto/influxdb.proto).
 * What decodes has been checked, field by field.
 */
import { DbError, errorText, isDbError } from '../base/errors.ts';
import { count, flag, id, int64, list, optional, text, uint64 } from '../proto/field.ts';
import { influxdb } from '../proto/gen/wire.js';
import { message } from '../proto/message.ts';

const { v1 } = influxdb;
const many = { max: 1_000_000 };
const few = { max: 10_000 };
const name = text();
const statement = text({ lengthMax: 1 << 20 });

const metaMessage = message(v1.Meta, {
  term: count(),
  index: count(),
  clusterId: uint64,
  databases: list(
    message(v1.Database, {
      name,
      defaultRetentionPolicy: name,
      retentionPolicies: list(
        message(v1.RetentionPolicy, {
          name,
          duration: int64,
          shardGroupDuration: int64,
          replicaCount: count(),
          shardGroups: list(
            message(v1.ShardGroup, {
              id,
              startTime: int64,
              endTime: int64,
              deletedAt: int64,
              shards: list(
                message(v1.Shard, {
                  id,
                  owners: list(message(v1.ShardOwner, { nodeId: count() }), few),
                }),
                few,
              ),
              truncatedAt: optional(int64),
            }),
            many,
          ),
          subscriptions: list(
            message(v1.Subscription, { name, mode: name, destinations: list(name, few) }),
            few,
          ),
          futureWriteLimit: optional(int64),
          pastWriteLimit: optional(int64),
        }),
        few,
      ),
      continuousQueries: list(message(v1.ContinuousQuery, { name, query: statement }), few),
    }),
    many,
  ),
  users: list(
    message(v1.User, {
      name,
      hash: name,
      isAdmin: flag,
      privileges: list(message(v1.Privilege, { database: name, privilege: count() }), many),
    }),
    many,
  ),
  maxNodeId: count(),
  maxShardGroupId: count(),
  maxShardId: count(),
});

export type InfluxMeta = ReturnType<typeof metaMessage.decode>;
export type InfluxDatabase = InfluxMeta['databases'][number];
export type InfluxPolicy = InfluxDatabase['retentionPolicies'][number];
export type InfluxUser = InfluxMeta['users'][number];

/** Throws `corrupt` with the path. */
export function decodeMeta(path: string, bytes: Uint8Array): InfluxMeta {
  try {
    return metaMessage.decode(bytes);
  } catch (error) {
    if (!isDbError(error)) throw error;
    const what = errorText(error).replace(/^message: /, '');
    throw new DbError('corrupt', `${path}: not the meta.db of an InfluxDB: ${what}`, { cause: error }); // prettier-ignore
  }
}

export function encodeMeta(meta: InfluxMeta): Uint8Array {
  return metaMessage.encode(meta);
}
