/**
 * The cluster's facts, as every meta node holds them and every data node caches them (spec 3.6).
 *
 * Invariants:
 * - Immutable: a change makes a new Catalog that shares what stayed the same.
 * - Equal on all nodes at equal `index`: changed only by applyCommand.
 *
 * Not here: where it is kept (meta/server), how it reaches data nodes (meta/client).
 */
export interface Catalog {
  /** Of the schema below. A node that reads a newer one stops (decision D9). */
  readonly version: number;
  /** Random, not zero; zero until the first meta node has founded the cluster. */
  readonly clusterId: bigint;
  /** Raft index of the last command that changed it; data nodes wait for it. */
  readonly index: number;
  readonly metaNodes: readonly MetaNode[];
  /** In order of their ids. */
  readonly dataNodes: readonly DataNode[];
  /** In the order they were created, as SHOW DATABASES lists them (spec 6.2). */
  readonly databases: readonly Database[];
  readonly leases: readonly Lease[];
  /** One counter for meta and data nodes (spec F12). */
  readonly maxNodeId: number;
  readonly maxShardGroupId: number;
  readonly maxShardId: number;
  /** What the latest commands answered, oldest first: a command that arrives twice applies once. */
  readonly answered: readonly AnsweredCommand[];
}

export const catalogVersion = 1;
export const answeredMax = 1024;

export interface MetaNode {
  readonly id: number;
  /** host:8091. */
  readonly httpAddress: string;
  /** host:8089, Raft. */
  readonly tcpAddress: string;
}

export interface DataNode {
  readonly id: number;
  /** host:8086. */
  readonly httpAddress: string;
  /** host:8088. */
  readonly tcpAddress: string;
}

export interface Database {
  readonly name: string;
  readonly defaultRetentionPolicy: string;
  readonly retentionPolicies: readonly RetentionPolicy[];
}

export interface RetentionPolicy extends RetentionRules {
  /** In order of time. */
  readonly shardGroups: readonly ShardGroup[];
}

export interface RetentionRules {
  readonly name: string;
  /** 0 keeps points forever. */
  readonly durationNs: bigint;
  readonly shardGroupDurationNs: bigint;
  readonly replicaCount: number;
  /** Write window (spec F33); 0 for none. */
  readonly pastLimitNs: bigint;
  readonly futureLimitNs: bigint;
}

/** All points of a retention policy with startNs <= time < endNs, up to truncatedAtNs where that is set. */
export interface ShardGroup {
  readonly id: number;
  readonly startNs: bigint;
  readonly endNs: bigint;
  readonly deletedAtNs?: bigint | undefined;
  readonly truncatedAtNs?: bigint | undefined;
  readonly shards: readonly ShardInfo[];
}

export interface ShardInfo {
  readonly id: number;
  /** Ids of data nodes. */
  readonly owners: readonly number[];
}

/** Leader's clock; `token` grows with each new holder, so that an old one can be told from the present (spec F18). */
export interface Lease {
  readonly name: string;
  readonly nodeId: number;
  readonly expiresNs: bigint;
  readonly token: number;
}

export interface AnsweredCommand {
  readonly id: string;
  readonly answer: CommandAnswer;
}

/** Errors are data: they are the same on every replica. */
export type CommandAnswer =
  | { readonly ok: true; readonly value?: CommandValue | undefined }
  | { readonly ok: false; readonly code: string; readonly text: string };

/** What a command made: a node, a lease. */
export interface CommandValue {
  readonly nodeId?: number;
  /** With nodeId: it was not there before. */
  readonly isNew?: boolean;
  readonly lease?: Lease;
}

export const emptyCatalog: Catalog = {
  version: catalogVersion,
  clusterId: 0n,
  index: 0,
  metaNodes: [],
  dataNodes: [],
  databases: [],
  leases: [],
  maxNodeId: 0,
  maxShardGroupId: 0,
  maxShardId: 0,
  answered: [],
};

export function findDatabase(catalog: Catalog, name: string): Database | undefined {
  return catalog.databases.find((database) => database.name === name);
}

/** '' means the default one. */
export function findRetentionPolicy(database: Database, name: string): RetentionPolicy | undefined {
  const wanted = name === '' ? database.defaultRetentionPolicy : name;
  return database.retentionPolicies.find((policy) => policy.name === wanted);
}
