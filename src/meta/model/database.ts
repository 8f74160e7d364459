import type { JoinedOwner } from './shard-copy.ts';

/** A database as the catalog has it: plain data, never changed. */
export interface Database {
  readonly name: string;
  readonly defaultRetentionPolicy: string;
  readonly retentionPolicies: readonly RetentionPolicy[];
  /** Absent when there are none. */
  readonly continuousQueries?: readonly ContinuousQuery[] | undefined;
  /** Names the restore that it came with, which goes on where it was interrupted when it is asked for again; absent for others. */
  readonly restoredFrom?: string | undefined;
}

export interface ContinuousQuery {
  readonly name: string;
  /** The whole statement that made it, with databases and policies written out. */
  readonly text: string;
  /** When it was made, by the clock of the node that was asked: its first window; absent for one of an older release. */
  readonly createdNs?: bigint | undefined;
  /** All windows that were due up to this time have been written; absent before its first run. */
  readonly ranUntilNs?: bigint | undefined;
}

/** Where the points of a policy are sent to as they come in (spec F53). */
export interface Subscription {
  readonly name: string;
  readonly mode: 'ALL' | 'ANY';
  /** udp://host:port, http:// and https://. */
  readonly destinations: readonly string[];
}

export interface RetentionPolicy extends RetentionRules {
  /** In order of time. */
  readonly shardGroups: readonly ShardGroup[];
  /** Absent when there are none. */
  readonly subscriptions?: readonly Subscription[] | undefined;
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
  /** Of the log, while what a backup has of it is on its way to them: it takes points, and is not read. */
  readonly restoreIndex?: number | undefined;
  /** Its id in the backup, for as long. */
  readonly restoredId?: number | undefined;
  /** Those of them that copies made; absent when there are none. */
  readonly joined?: readonly JoinedOwner[] | undefined;
}
