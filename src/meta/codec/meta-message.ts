/**
 * The databases, users and nodes of a catalog as one protobuf message: what a single InfluxDB has in its meta.db, ours from
 * field 100 up (src/proto/influxdb.proto). Snapshots, copies of the catalog, backups and imports are all of this form.
 *
 * Invariant: what decodes has been checked, field by field.
 */
import { count, flag, id, int64, list, oneOf, optional, text, uint64 } from '../../proto/field.ts';
import { influxdb } from '../../proto/gen/wire.js';
import { message } from '../../proto/message.ts';
import { aclRule } from './acl-fields.ts';
import { permissions } from '../../base/permission.ts';
import { moveGoals, moveStates } from '../model/move-plan.ts';

const { v1 } = influxdb;
/** Of what nothing bounds but the commands that bring it. */
const many = { max: 1 << 24 };
/** Of what apply keeps below. */
const few = { max: 10_000 };
/** As long as a command can be: what was accepted must be readable for ever. */
const name = text({ lengthMax: 1 << 24 });

const rule = aclRule(v1, name);
const labels = optional(list(message(v1.Label, { name, value: name }), few));
const nodes = optional(
  list(
    message(v1.Node, { id, host: name, tcpHost: optional(name), labels, isPassive: optional(flag) }), // prettier-ignore
    many,
  ),
);
const lease = message(v1.Lease, { name, nodeId: count(), expires: int64, token: count() });

const shardGroup = message(v1.ShardGroup, {
  id: count(),
  startTime: int64,
  endTime: int64,
  deletedAt: int64,
  shards: list(
    message(v1.Shard, {
      id: count(),
      owners: list(message(v1.ShardOwner, { nodeId: count() }), few),
      restoreIndex: optional(count()),
      restoredId: optional(count()),
      joined: optional(
        list(
          message(v1.JoinedOwner, { nodeId: count(), beganIndex: count(), ownedIndex: count() }),
          few,
        ),
      ),
    }),
    few,
  ),
  truncatedAt: optional(int64),
  isDeletedAtZero: optional(flag),
  isTruncatedAtZero: optional(flag),
  startsBefore: optional(uint64),
});

const retentionPolicy = message(v1.RetentionPolicy, {
  name,
  duration: int64,
  shardGroupDuration: int64,
  replicaCount: count(),
  shardGroups: list(shardGroup, many),
  subscriptions: list(
    message(v1.Subscription, { name, mode: name, destinations: list(name, few) }),
    few,
  ),
  futureWriteLimit: optional(int64),
  pastWriteLimit: optional(int64),
});

const continuousQuery = message(v1.ContinuousQuery, {
  name,
  query: name,
  createdAt: optional(int64),
  ranUntil: optional(int64),
});

const scoped = list(
  message(v1.ScopedPermissions, { scope: name, permissions: list(oneOf(permissions), few) }),
  many,
);

export const metaMessage = message(v1.Meta, {
  term: count(),
  index: count(),
  clusterId: uint64,
  databases: list(
    message(v1.Database, {
      name,
      defaultRetentionPolicy: name,
      retentionPolicies: list(retentionPolicy, many),
      continuousQueries: list(continuousQuery, few),
      restoredFrom: optional(name),
    }),
    many,
  ),
  users: list(
    message(v1.User, {
      name,
      hash: name,
      isAdmin: flag,
      privileges: list(message(v1.Privilege, { database: name, privilege: count() }), many),
      permissions: optional(scoped),
    }),
    many,
  ),
  maxNodeId: count(),
  maxShardGroupId: count(),
  maxShardId: count(),
  dataNodes: nodes,
  metaNodes: nodes,
  version: optional(count()),
  leases: optional(list(lease, few)),
  copies: optional(
    list(
      message(v1.ShardCopy, {
        shardId: count(),
        sourceId: count(),
        destinationId: count(),
        started: int64,
        beganIndex: count(),
        isDiscarding: flag,
      }),
      few,
    ),
  ),
  movePlan: optional(
    message(v1.MovePlan, {
      beganIndex: count(),
      goal: oneOf(moveGoals),
      leavingId: count(),
      joiningId: count(),
      isRemoval: flag,
      isPaused: flag,
      started: int64,
      ended: int64,
      moves: list(
        message(v1.ShardMove, {
          shardId: count(),
          fromId: count(),
          toId: count(),
          sizeBytes: count(),
          reason: name,
          state: oneOf(moveStates),
        }),
        few,
      ),
    }),
  ),
  roles: optional(
    list(message(v1.Role, { name, permissions: scoped, users: list(name, many) }), many),
  ),
  ldap: optional(name),
  acl: optional(message(v1.Acl, { restrictions: list(rule, few), grants: list(rule, few) })),
  answered: optional(
    list(
      message(v1.AnsweredCommand, {
        id: name,
        errorCode: optional(name),
        errorText: optional(name),
        nodeId: optional(count()),
        isNew: optional(flag),
        lease: optional(lease),
        hasValue: flag,
        firstShardId: optional(count()),
      }),
      few,
    ),
  ),
});

export type InfluxMeta = ReturnType<typeof metaMessage.decode>;
export type InfluxDatabase = InfluxMeta['databases'][number];
export type InfluxPolicy = InfluxDatabase['retentionPolicies'][number];
export type InfluxUser = InfluxMeta['users'][number];
