/** What of a backup a cluster is to get, under which names, and which shards it is of. Pure. */
import { DbError } from '../base/errors.ts';
import type { Acl } from '../meta/model/acl.ts';
import type { Role, User } from '../meta/model/catalog.ts';
import type { Database, RetentionPolicy, ShardGroup } from '../meta/model/database.ts';
import { internalDatabase } from '../meta/model/internal-database.ts';
import { defaultShardGroupDurationNs } from '../meta/model/shard-groups.ts';
import type { BackupFacts } from './backup-meta.ts';
import { renamedQuery } from './renamed-query.ts';

export interface RestoreFilter {
  /** '' for all. */
  readonly database: string;
  readonly retentionPolicy: string;
  /** 0 for all. */
  readonly shardId: number;
}

export interface RestoreChanges {
  /** '' for the name that it has. */
  readonly newDatabase: string;
  readonly newPolicy: string;
  readonly newDurationNs?: bigint | undefined;
  readonly newReplicas?: number | undefined;
  /** Data nodes that own shards: no policy has more copies. */
  readonly nodeCount: number;
  /** Names the restore (interrupted-restore.ts). */
  readonly restoredFrom: string;
}

export interface RestoreContent {
  /** With the ids of the backup. */
  readonly databases: readonly Database[];
  readonly users: readonly User[];
  readonly roles?: readonly Role[] | undefined;
  /** Absent when nothing is restricted. */
  readonly acl?: Acl | undefined;
  /** In the order in which they are restored. */
  readonly shards: readonly RestoredShard[];
}

/** A shard by what it is in the backup. */
export interface RestoredShard {
  readonly id: number;
  /** Of its group. */
  readonly startNs: bigint;
  readonly endNs: bigint;
  readonly database: string;
  readonly retentionPolicy: string;
}

export interface Archives {
  /** Whether there is an archive of the shard. */
  readonly hasPoints: (shardId: number) => boolean;
  /** Whether any backup is of the policy, or of any of the database's (backup-set.ts). */
  readonly isBackedUp: (database: string, retentionPolicy?: string) => boolean;
}

/** Throws for what the backup has not. */
export function contentOf(
  { databases, users, roles, acl, ...archives }: BackupFacts & Archives,
  filter: RestoreFilter,
  changes: RestoreChanges,
): RestoreContent {
  const { database: only, shardId } = filter;
  const isAll = only === '' && shardId === 0;
  const chosen = databases.filter(
    ({ name, retentionPolicies }) =>
      (only === '' ? name !== internalDatabase : name === only) &&
      archives.isBackedUp(name) &&
      (only !== '' || shardId === 0 || hasShard(retentionPolicies, shardId)),
  );
  if (only !== '' && chosen.length === 0)
    throw new DbError('database_not_found', `database not found: ${only}`);
  const shards: RestoredShard[] = [];
  const made = chosen.map((database) => {
    const policies = policiesOf(database, filter, archives);
    for (const policy of policies)
      for (const { startNs, endNs, shards: members } of policy.shardGroups)
        for (const { id } of members)
          if (shardId === 0 || shardId === id)
            shards.push({ id, startNs, endNs, database: database.name, retentionPolicy: policy.name }); // prettier-ignore
    return changed({ ...database, retentionPolicies: policies }, filter, {
      ...changes,
      isPart: filter.retentionPolicy !== '' || shardId !== 0 || policies.length < database.retentionPolicies.length, // prettier-ignore
    });
  });
  if (shardId !== 0 && shards.length === 0)
    throw new DbError('shard_not_found', `shard not found for id: ${shardId}`);
  const rights = isAll ? { users, ...(roles && { roles }), ...(acl && { acl }) } : { users: [] };
  return { databases: made, ...rights, shards };
}

function hasShard(policies: readonly RetentionPolicy[], shardId: number): boolean {
  return policies.some(({ shardGroups }) =>
    shardGroups.some(({ shards }) => shards.some(({ id }) => id === shardId)),
  );
}

/** Without groups that were deleted, and with one shard alone only the group that it is in, which stays whole. */
function policiesOf(
  { name: database, retentionPolicies }: Database,
  { retentionPolicy, shardId }: RestoreFilter,
  { hasPoints, isBackedUp }: Archives,
): readonly RetentionPolicy[] {
  const isAwaited = (id: number): boolean => hasPoints(id) && (shardId === 0 || shardId === id);
  const chosen = retentionPolicies.filter(
    ({ name }) => (retentionPolicy === '' || name === retentionPolicy) && isBackedUp(database, name), // prettier-ignore
  );
  if (retentionPolicy !== '' && chosen.length === 0)
    throw new DbError(
      'retention_policy_not_found',
      `retention policy not found: ${retentionPolicy}`,
    );
  return chosen.map(({ subscriptions: _, ...policy }) => {
    const shardGroups = policy.shardGroups.filter(({ deletedAtNs, shards }) => {
      const isThere = deletedAtNs === undefined && shards.length > 0;
      return isThere && (shardId === 0 || shards.some(({ id }) => id === shardId));
    });
    return { ...policy, shardGroups: shardGroups.map((group) => awaiting(group, isAwaited)) };
  });
}

/** The shards that are not to be read before what there is of them has come. */
function awaiting(group: ShardGroup, hasPoints: (shardId: number) => boolean): ShardGroup {
  const shards = group.shards.map(({ id, owners }) => {
    return { id, owners, ...(hasPoints(id) && { restoreIndex: 1 }) };
  });
  return { ...group, shards };
}

function changed(
  database: Database,
  filter: RestoreFilter,
  changes: RestoreChanges & { readonly isPart: boolean },
): Database {
  const { continuousQueries = [], defaultRetentionPolicy, retentionPolicies, ...rest } = database;
  const nameOf = (policy: string): string =>
    changes.newPolicy !== '' && policy === filter.retentionPolicy ? changes.newPolicy : policy;
  const name = changes.newDatabase === '' ? database.name : changes.newDatabase;
  const policies = retentionPolicies.map((policy) => {
    return { ...changedPolicy(policy, changes), name: nameOf(policy.name) };
  });
  const hasDefault = retentionPolicies.some((policy) => policy.name === defaultRetentionPolicy);
  const renames = { from: database.name, to: name };
  // Of a part they would ask for what is not there.
  const queries = changes.isPart
    ? []
    : continuousQueries.map((query) => renamedQuery(query, renames));
  return {
    ...rest,
    restoredFrom: changes.restoredFrom,
    name,
    defaultRetentionPolicy: hasDefault ? nameOf(defaultRetentionPolicy) : (policies[0]?.name ?? ''),
    retentionPolicies: policies,
    ...(queries.length > 0 && { continuousQueries: queries }),
  };
}

function changedPolicy(
  policy: RetentionPolicy,
  { newDurationNs, newReplicas, nodeCount }: RestoreChanges,
): RetentionPolicy {
  const durationNs = newDurationNs ?? policy.durationNs;
  const isShort = durationNs !== 0n && durationNs < policy.shardGroupDurationNs;
  return {
    ...policy,
    durationNs,
    // Groups that are made from now on; those that are restored keep their bounds.
    shardGroupDurationNs: isShort
      ? defaultShardGroupDurationNs(durationNs)
      : policy.shardGroupDurationNs,
    replicaCount: Math.min(newReplicas ?? policy.replicaCount, Math.max(1, nodeCount)),
  };
}
