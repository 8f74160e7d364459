/** A database as the catalog has it: plain data, never changed. */
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
