/** What of a backup a cluster is to get, under which names, and which shards it is of. Pure. */
import { DbError } from '../base/errors.ts';
import type { Role, User } from '../meta/model/catalog.ts';
import type { Database, RetentionPolicy, ShardGroup } from '../meta/model/database.ts';
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
  /** In the order in which they are restored. */
  readonly shards: readonly RestoredShard[];
}

/** A shard by what it is in the backup. */
export interface RestoredShard {
  readonly id: number;
  readonly database: string;
  readonly retentionPolicy: string;
}

export interface Archives {
  /** Whether there is an archive of the shard. */
  readonly hasPoints: (shardId: number) => boolean;
}

/** What a cluster measures of itself: every cluster has its own. */
const internalDatabase = '_internal';

/** Throws for what the backup has not. */
export function contentOf(
  { databases, users, roles, hasPoints }: BackupFacts & Archives,
  filter: RestoreFilter,
  changes: RestoreChanges,
): RestoreContent {
  const isWhole = filter.database === '';
  const chosen = databases.filter(({ name }) =>
    isWhole ? name !== internalDatabase : name === filter.database,
  );
  if (!isWhole && chosen.length === 0)
    throw new DbError('database_not_found', `database not found: ${filter.database}`);
  const shards: RestoredShard[] = [];
  const made = chosen.map((database) => {
    const isAwaited = (id: number): boolean => hasPoints(id) && (filter.shardId === 0 || filter.shardId === id); // prettier-ignore
    const policies = policiesOf(database, filter, isAwaited);
    for (const policy of policies)
      for (const group of policy.shardGroups)
        for (const { id } of group.shards)
          if (filter.shardId === 0 || filter.shardId === id)
            shards.push({ id, database: database.name, retentionPolicy: policy.name });
    return changed({ ...database, retentionPolicies: policies }, filter, changes);
  });
  if (filter.shardId !== 0 && shards.length === 0)
    throw new DbError('shard_not_found', `shard not found for id: ${filter.shardId}`);
  return {
    databases: made,
    users: isWhole ? users : [],
    ...(isWhole && roles && { roles }),
    shards,
  };
}

/** Without groups that were deleted, and with one shard alone only the group that it is in, which stays whole. */
function policiesOf(
  { retentionPolicies }: Database,
  { retentionPolicy, shardId }: RestoreFilter,
  hasPoints: (shardId: number) => boolean,
): readonly RetentionPolicy[] {
  const chosen = retentionPolicies.filter(
    ({ name }) => retentionPolicy === '' || name === retentionPolicy,
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
    return { ...policy, shardGroups: shardGroups.map((group) => awaiting(group, hasPoints)) };
  });
}

/** The shards that are not to be read before what there is of them has come. */
function awaiting(group: ShardGroup, hasPoints: (shardId: number) => boolean): ShardGroup {
  const shards = group.shards.map(({ id, owners }) => {
    return { id, owners, ...(hasPoints(id) && { restoreIndex: 1 }) };
  });
  return { ...group, shards };
}

function changed(database: Database, filter: RestoreFilter, changes: RestoreChanges): Database {
  const { continuousQueries = [], defaultRetentionPolicy, retentionPolicies, ...rest } = database;
  const nameOf = (policy: string): string =>
    changes.newPolicy !== '' && policy === filter.retentionPolicy ? changes.newPolicy : policy;
  const name = changes.newDatabase === '' ? database.name : changes.newDatabase;
  const policies = retentionPolicies.map((policy) => {
    return { ...changedPolicy(policy, changes), name: nameOf(policy.name) };
  });
  const hasDefault = retentionPolicies.some((policy) => policy.name === defaultRetentionPolicy);
  const isPart = filter.retentionPolicy !== '' || filter.shardId !== 0;
  const renames = { from: database.name, to: name };
  const queries = isPart ? [] : continuousQueries.map((query) => renamedQuery(query, renames));
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
