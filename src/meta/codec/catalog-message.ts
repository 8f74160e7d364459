/**
 * A catalog to and from the message that it is kept as (meta-message.ts).
 *
 * Invariants:
 * - Exact: what is decoded is what was encoded, up to lists that are absent when they are empty.
 * - A field that is added to the catalog and not here does not compile.
 */
import type { AnsweredCommand, Catalog, CommandAnswer, CommandValue, DataNode, GrantedPrivilege, Lease, MetaNode, NodeLabels, Role, User } from '../model/catalog.ts'; // prettier-ignore
import type { Acl } from '../model/acl.ts';
import type { ContinuousQuery, Database, RetentionPolicy, ShardGroup, Subscription } from '../model/database.ts'; // prettier-ignore
import { Databases } from '../model/databases.ts';
import type { MovePlan, ShardMove } from '../model/move-plan.ts';
import type { ShardCopy } from '../model/shard-copy.ts';
import type { InfluxDatabase, InfluxMeta, InfluxPolicy, InfluxUser } from './meta-message.ts';

/** Every field named, the optional ones too. */
type Whole<T> = { readonly [Key in keyof Required<T>]: T[Key] };
type InfluxGroup = InfluxPolicy['shardGroups'][number];
type InfluxNode = NonNullable<InfluxMeta['dataNodes']>[number];
type InfluxAnswer = NonNullable<InfluxMeta['answered']>[number];
type InfluxPlan = NonNullable<InfluxMeta['movePlan']>;
type InfluxLease = NonNullable<InfluxAnswer['lease']>;

const privilegeNumbers: readonly GrantedPrivilege[] = ['NO PRIVILEGES', 'READ', 'WRITE', 'ALL PRIVILEGES']; // prettier-ignore

/** Of int64. */
const leastNs = -(2n ** 63n);

export function metaOf(catalog: Catalog): InfluxMeta {
  const { version, clusterId, index, maxNodeId, maxShardGroupId, maxShardId } = catalog;
  return {
    // Of Raft's log only the index is the catalog's; InfluxDB wants a term.
    term: 1,
    index,
    clusterId,
    databases: Array.from(catalog.databases, fromDatabase),
    users: (catalog.users ?? []).map(fromUser),
    maxNodeId,
    maxShardGroupId,
    maxShardId,
    dataNodes: catalog.dataNodes.map(fromNode),
    metaNodes: catalog.metaNodes.map(fromNode),
    version,
    leases: catalog.leases.map(fromLease),
    copies: catalog.copies?.map(({ startedNs: started, state, ...copy }) => {
      return { ...copy, started, isDiscarding: state === 'discarding' };
    }),
    movePlan: catalog.movePlan && fromPlan(catalog.movePlan),
    roles: catalog.roles,
    acl: catalog.acl && fromAcl(catalog.acl),
    ldap: catalog.ldap,
    answered: catalog.answered.map(fromAnswered),
  };
}

export function catalogOf(meta: InfluxMeta, version: number): Catalog {
  const whole: Whole<Catalog> = {
    version,
    clusterId: meta.clusterId,
    index: meta.index,
    metaNodes: (meta.metaNodes ?? []).map(metaNodeOf),
    dataNodes: (meta.dataNodes ?? []).map(dataNodeOf),
    databases: Databases.of(meta.databases.map(databaseOf)),
    leases: (meta.leases ?? []).map(leaseOf),
    copies: orAbsent((meta.copies ?? []).map(copyOf)),
    movePlan: meta.movePlan && planOf(meta.movePlan),
    users: orAbsent(meta.users.map(userOf)),
    roles: orAbsent((meta.roles ?? []).map(roleOf)),
    acl: meta.acl && aclOf(meta.acl),
    ldap: meta.ldap,
    maxNodeId: meta.maxNodeId,
    maxShardGroupId: meta.maxShardGroupId,
    maxShardId: meta.maxShardId,
    answered: (meta.answered ?? []).map(answeredOf),
  };
  return whole;
}

export function fromDatabase(database: Database): InfluxDatabase {
  const { name, defaultRetentionPolicy, retentionPolicies, continuousQueries = [] } = database;
  return {
    name,
    defaultRetentionPolicy,
    retentionPolicies: retentionPolicies.map(fromPolicy),
    continuousQueries: continuousQueries.map(({ name, text, createdNs, ranUntilNs }) => {
      return { name, query: text, createdAt: createdNs, ranUntil: ranUntilNs };
    }),
    restoredFrom: database.restoredFrom,
  };
}

export function databaseOf(database: InfluxDatabase): Database {
  const queries = database.continuousQueries.map((one): Whole<ContinuousQuery> => {
    return { name: one.name, text: one.query, createdNs: one.createdAt, ranUntilNs: one.ranUntil };
  });
  const whole: Whole<Database> = {
    name: database.name,
    defaultRetentionPolicy: database.defaultRetentionPolicy,
    retentionPolicies: database.retentionPolicies.map(policyOf),
    continuousQueries: orAbsent(queries),
    restoredFrom: database.restoredFrom,
  };
  return whole;
}

export function fromUser({ name, hash, isAdmin, privileges, permissions }: User): InfluxUser {
  const granted = privileges.map(({ database, privilege }) => {
    return { database, privilege: privilegeNumbers.indexOf(privilege) };
  });
  return { name, hash, isAdmin, privileges: granted, permissions };
}

export function userOf({ permissions = [], ...user }: InfluxUser): User {
  const { name, hash, isAdmin, privileges } = user;
  const granted = privileges.map(({ database, privilege }) => {
    return { database, privilege: privilegeNumbers[privilege] ?? ('NO PRIVILEGES' as const) };
  });
  const whole: Whole<User> = {
    name,
    hash,
    isAdmin,
    privileges: granted,
    permissions: orAbsent(permissions),
  };
  return whole;
}

export function roleOf({
  name,
  permissions,
  users,
}: NonNullable<InfluxMeta['roles']>[number]): Role {
  const whole: Whole<Role> = { name, permissions, users };
  return whole;
}

export function fromAcl({ restrictions, grants }: Acl): NonNullable<InfluxMeta['acl']> {
  return { restrictions: restrictions.map((rule) => ({ ...rule, users: [], roles: [] })), grants };
}

export function aclOf({ restrictions, grants }: NonNullable<InfluxMeta['acl']>): Acl {
  return { restrictions: restrictions.map(({ users: _, roles: __, ...rule }) => rule), grants };
}

function fromPolicy(policy: RetentionPolicy): InfluxPolicy {
  return {
    name: policy.name,
    duration: policy.durationNs,
    shardGroupDuration: policy.shardGroupDurationNs,
    replicaCount: policy.replicaCount,
    shardGroups: policy.shardGroups.map(fromGroup),
    subscriptions: policy.subscriptions ?? [],
    futureWriteLimit: policy.futureLimitNs,
    pastWriteLimit: policy.pastLimitNs,
  };
}

function policyOf(policy: InfluxPolicy): RetentionPolicy {
  const subscriptions = policy.subscriptions.map(({ name, mode, destinations }) => {
    const whole: Whole<Subscription> = { name, mode: mode === 'ANY' ? 'ANY' : 'ALL', destinations };
    return whole;
  });
  const whole: Whole<RetentionPolicy> = {
    name: policy.name,
    durationNs: policy.duration,
    shardGroupDurationNs: policy.shardGroupDuration,
    replicaCount: policy.replicaCount,
    pastLimitNs: policy.pastWriteLimit ?? 0n,
    futureLimitNs: policy.futureWriteLimit ?? 0n,
    shardGroups: policy.shardGroups.map(groupOf),
    subscriptions: orAbsent(subscriptions),
  };
  return whole;
}

function copyOf({
  started,
  isDiscarding,
  ...copy
}: NonNullable<InfluxMeta['copies']>[number]): ShardCopy {
  const whole: Whole<ShardCopy> = {
    ...copy,
    startedNs: started,
    state: isDiscarding ? 'discarding' : 'copying',
  };
  return whole;
}

function fromPlan({ startedNs: started, endedNs: ended, ...plan }: MovePlan): InfluxPlan {
  return { ...plan, started, ended };
}

function planOf({ started, ended, ...plan }: InfluxPlan): MovePlan {
  const moves = plan.moves.map((move) => {
    const whole: Whole<ShardMove> = move;
    return whole;
  });
  const whole: Whole<MovePlan> = { ...plan, moves, startedNs: started, endedNs: ended };
  return whole;
}

function fromGroup(group: ShardGroup): InfluxGroup {
  const { id, startNs, endNs, deletedAtNs, truncatedAtNs, shards } = group;
  return {
    id,
    startTime: startNs < leastNs ? leastNs : startNs,
    endTime: endNs,
    deletedAt: deletedAtNs ?? 0n,
    shards: shards.map((shard) => {
      const owners = shard.owners.map((nodeId) => ({ nodeId }));
      const { id: shardId, restoreIndex, restoredId, joined } = shard;
      return { id: shardId, owners, restoreIndex, restoredId, joined };
    }),
    truncatedAt: truncatedAtNs,
    isDeletedAtZero: deletedAtNs === 0n,
    isTruncatedAtZero: truncatedAtNs === 0n,
    // The group of the least time begins where its duration has it, before all times.
    startsBefore: startNs < leastNs ? leastNs - startNs : undefined,
  };
}

function groupOf(group: InfluxGroup): ShardGroup {
  const { deletedAt, truncatedAt = 0n, isDeletedAtZero, isTruncatedAtZero } = group;
  const whole: Whole<ShardGroup> = {
    id: group.id,
    startNs: group.startTime - (group.startsBefore ?? 0n),
    endNs: group.endTime,
    deletedAtNs: deletedAt === 0n && isDeletedAtZero !== true ? undefined : deletedAt,
    truncatedAtNs: truncatedAt === 0n && isTruncatedAtZero !== true ? undefined : truncatedAt,
    shards: group.shards.map(({ id, owners, restoreIndex, restoredId, joined = [] }) => {
      const nodeIds = owners.map((one) => one.nodeId);
      return {
        id,
        owners: nodeIds,
        ...(restoreIndex !== undefined && { restoreIndex }),
        ...(restoredId !== undefined && { restoredId }),
        ...(joined.length > 0 && { joined }),
      };
    }),
  };
  return whole;
}

function fromNode({ id, httpAddress, tcpAddress, labels, isPassive }: DataNode): InfluxNode {
  return { id, host: httpAddress, tcpHost: tcpAddress, labels, isPassive };
}

function metaNodeOf({ id, host, tcpHost = '', labels }: InfluxNode): MetaNode {
  const whole: Whole<MetaNode> = {
    id,
    httpAddress: host,
    tcpAddress: tcpHost,
    labels: labels === undefined ? undefined : (orAbsent(labels) satisfies NodeLabels | undefined),
  };
  return whole;
}

function dataNodeOf(node: InfluxNode): DataNode {
  const whole: Whole<DataNode> = { ...metaNodeOf(node), labels: metaNodeOf(node).labels, isPassive: node.isPassive }; // prettier-ignore
  return whole;
}

function fromLease({ name, nodeId, expiresNs, token }: Lease): InfluxLease {
  return { name, nodeId, expires: expiresNs, token };
}

function leaseOf({ name, nodeId, expires, token }: InfluxLease): Lease {
  const whole: Whole<Lease> = { name, nodeId, expiresNs: expires, token };
  return whole;
}

function fromAnswered({ id, answer }: AnsweredCommand): InfluxAnswer {
  if (!answer.ok) return { id, errorCode: answer.code, errorText: answer.text, hasValue: false };
  const { value } = answer;
  if (value === undefined) return { id, hasValue: false };
  const { nodeId, isNew, lease, firstShardId }: Partial<Whole<CommandValue>> = value;
  return { id, nodeId, isNew, lease: lease && fromLease(lease), hasValue: true, firstShardId };
}

function answeredOf(wire: InfluxAnswer): AnsweredCommand {
  return { id: wire.id, answer: answerOf(wire) };
}

function answerOf({ errorCode, errorText = '', hasValue, ...made }: InfluxAnswer): CommandAnswer {
  if (errorCode !== undefined) return { ok: false, code: errorCode, text: errorText };
  if (!hasValue) return { ok: true };
  const { nodeId, isNew, lease, firstShardId } = made;
  const value: Partial<Whole<CommandValue>> = {
    ...(nodeId !== undefined && { nodeId }),
    ...(isNew !== undefined && { isNew }),
    ...(lease !== undefined && { lease: leaseOf(lease) }),
    ...(firstShardId !== undefined && { firstShardId }),
  };
  return { ok: true, value };
}

function orAbsent<T>(all: readonly T[]): readonly T[] | undefined {
  return all.length === 0 ? undefined : all;
}
