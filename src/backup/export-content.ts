/** The databases of a cluster in the words of a single InfluxDB's meta.db. */
import type { Catalog, User } from '../meta/model/catalog.ts';
import type { Database, RetentionPolicy } from '../meta/model/database.ts';
import { fromUser } from '../meta/codec/catalog-message.ts';
import type { InfluxDatabase, InfluxMeta, InfluxPolicy, InfluxUser } from '../meta/codec/meta-message.ts'; // prettier-ignore

/** bcrypt, which is all that InfluxDB can check. */
const knownHash = /^\$2[aby]\$/;

/** `wanted` is a database, all when it is ''. */
export function exportContent(catalog: Catalog, wanted: string): InfluxMeta {
  const databases = Array.from(catalog.databases).filter(({ name }) => wanted === '' || name === wanted); // prettier-ignore
  return {
    term: 1,
    index: 1,
    clusterId: catalog.clusterId,
    databases: databases.map(databaseOf),
    users: (catalog.users ?? []).map(userOf),
    maxNodeId: 0,
    maxShardGroupId: catalog.maxShardGroupId,
    maxShardId: catalog.maxShardId,
  };
}

/** Users whose password has to be set again: a hash of ours means nothing there, and opens nothing. */
export function usersWithoutPassword({ users = [] }: Catalog): readonly string[] {
  return users.filter(({ hash }) => !knownHash.test(hash)).map(({ name }) => name);
}

function databaseOf(database: Database): InfluxDatabase {
  const { name, defaultRetentionPolicy, retentionPolicies, continuousQueries = [] } = database;
  return {
    name,
    defaultRetentionPolicy,
    retentionPolicies: retentionPolicies.map(policyOf),
    continuousQueries: continuousQueries.map((query) => ({ name: query.name, query: query.text })),
  };
}

/** One node has all of it there: shards have no owners, and one copy each. */
function policyOf(policy: RetentionPolicy): InfluxPolicy {
  const groups = policy.shardGroups.filter(({ deletedAtNs }) => deletedAtNs === undefined);
  return {
    name: policy.name,
    duration: policy.durationNs,
    shardGroupDuration: policy.shardGroupDurationNs,
    replicaCount: 1,
    shardGroups: groups.map(({ id, startNs, endNs, truncatedAtNs, shards }) => ({
      id,
      // As InfluxDB writes what is before the least time.
      startTime: BigInt.asIntN(64, startNs),
      endTime: endNs,
      deletedAt: 0n,
      shards: shards.map((shard) => ({ id: shard.id, owners: [] })),
      ...(truncatedAtNs !== undefined && { truncatedAt: truncatedAtNs }),
    })),
    subscriptions: (policy.subscriptions ?? []).map(({ name, mode, destinations }) => {
      return { name, mode, destinations };
    }),
    futureWriteLimit: policy.futureLimitNs,
    pastWriteLimit: policy.pastLimitNs,
  };
}

function userOf(user: User): InfluxUser {
  return { ...fromUser(user), hash: knownHash.test(user.hash) ? user.hash : '' };
}
