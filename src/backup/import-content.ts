/** What a cluster is told of the databases of a single InfluxDB: those of its meta.db, in the words of our catalog. */
import { DbError } from '../base/errors.ts';
import type { ImportContent } from '../meta/client/import-record.ts';
import { commandBytesMax } from '../meta/client/meta-methods.ts';
import { applyCommand } from '../meta/apply/apply.ts';
import { emptyCatalog } from '../meta/model/catalog.ts';
import type { Database, RetentionPolicy } from '../meta/model/database.ts';
import { internalDatabase } from '../meta/model/internal-database.ts';
import { userOf } from '../meta/codec/catalog-message.ts';
import { encodeLogged } from '../meta/codec/command-codec.ts';
import type { InfluxDatabase, InfluxMeta, InfluxPolicy } from '../meta/codec/meta-message.ts';

/** For what is around it in a request. */
const slackBytes = 4_096;
const hourNs = 3_600_000_000_000n;

export interface ImportOptions {
  /** Added to the ids of shards and groups: above those that a cluster has given already. */
  readonly idOffset: number;
}

/** Throws `invalid_argument`, `conflict`... with what a cluster would not take. */
export function importContent(meta: InfluxMeta, { idOffset }: ImportOptions): ImportContent {
  const databases = meta.databases.filter(({ name }) => name !== internalDatabase);
  const content = {
    databases: databases.map((database) => databaseOf(database, idOffset)),
    users: meta.users.map(userOf),
    maxShardGroupId: meta.maxShardGroupId + idOffset,
    maxShardId: meta.maxShardId + idOffset,
  };
  checkWithCluster(content);
  checkSize(content);
  return content;
}

/** All of it goes through the metas' log in one command. */
function checkSize(content: ImportContent): void {
  const command = { kind: 'import-databases', nodeId: 0, ...content } as const;
  const sizeBytes = encodeLogged({ id: '', command }).length;
  if (sizeBytes <= commandBytesMax - slackBytes) return;
  const text = `meta.db: its databases are ${sizeBytes} bytes for the metas, who take ${commandBytesMax}: leave some to line protocol`;
  throw new DbError('limit_exceeded', text);
}

/** What a cluster of one new node says to it. */
function checkWithCluster(content: ImportContent): void {
  const node = { kind: 'create-data-node', httpAddress: 'n:1', tcpAddress: 'n:2', dataNodesMax: 1 } as const; // prettier-ignore
  const { catalog } = applyCommand(emptyCatalog, 1, { id: 'node', command: node });
  const command = { kind: 'import-databases', nodeId: 1, ...content };
  const { answer } = applyCommand(catalog, 2, { id: 'import', command });
  if (!answer.ok) throw new DbError('invalid_argument', `meta.db: ${answer.text}`);
}

export function databaseOf(database: InfluxDatabase, idOffset: number): Database {
  const { name, defaultRetentionPolicy, continuousQueries } = database;
  const queries = continuousQueries.map((one) => ({ name: one.name, text: one.query }));
  return {
    name,
    defaultRetentionPolicy,
    retentionPolicies: database.retentionPolicies.map((policy) => policyOf(policy, idOffset)),
    ...(queries.length > 0 && { continuousQueries: queries }),
  };
}

/** Groups that were deleted stay behind: their points are gone, or are about to. */
function policyOf(policy: InfluxPolicy, idOffset: number): RetentionPolicy {
  const { subscriptions } = policy;
  const groups = policy.shardGroups.filter(({ deletedAt, shards }) => deletedAt === 0n && shards.length > 0); // prettier-ignore
  const sent = subscriptions.map(({ name, mode, destinations }) => {
    return { name, mode: mode === 'ANY' ? ('ANY' as const) : ('ALL' as const), destinations };
  });
  return {
    name: policy.name,
    durationNs: policy.duration,
    // Written by a release that had none.
    shardGroupDurationNs: policy.shardGroupDuration < hourNs ? 0n : policy.shardGroupDuration,
    replicaCount: Math.max(1, policy.replicaCount),
    pastLimitNs: policy.pastWriteLimit ?? 0n,
    futureLimitNs: policy.futureWriteLimit ?? 0n,
    shardGroups: groups.map(({ id, startTime, endTime, shards, truncatedAt = 0n }) => ({
      id: id + idOffset,
      // That of the least times begins before what 64 bits hold: InfluxDB writes the rest of that.
      startNs: startTime > endTime ? startTime - 2n ** 64n : startTime,
      endNs: endTime,
      ...(truncatedAt !== 0n && { truncatedAtNs: truncatedAt }),
      shards: shards.map((shard) => ({ id: shard.id + idOffset, owners: [] })),
    })),
    ...(sent.length > 0 && { subscriptions: sent }),
  };
}
