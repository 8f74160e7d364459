/** Changes of the catalog. A kind or field is never given a new meaning; new ones are added (decision D9). */
export type Command =
  | { readonly kind: 'found-cluster'; readonly clusterId: bigint }
  | { readonly kind: 'create-meta-node'; readonly httpAddress: string; readonly tcpAddress: string }
  | { readonly kind: 'delete-meta-node'; readonly nodeId: number }
  | {
      readonly kind: 'create-data-node';
      readonly httpAddress: string;
      readonly tcpAddress: string;
      /** Of the licence that the leader runs under. */
      readonly dataNodesMax: number;
    }
  | { readonly kind: 'delete-data-node'; readonly nodeId: number }
  | {
      readonly kind: 'create-database';
      readonly name: string;
      /** Made with the database; `autogen` when absent. */
      readonly policy?: PolicySpec | undefined;
    }
  | { readonly kind: 'drop-database'; readonly name: string }
  | {
      readonly kind: 'create-retention-policy';
      readonly database: string;
      readonly policy: PolicySpec;
      readonly isDefault: boolean;
    }
  | {
      readonly kind: 'alter-retention-policy';
      readonly database: string;
      readonly name: string;
      readonly policy: PolicySpec;
      readonly isDefault: boolean;
    }
  | { readonly kind: 'drop-retention-policy'; readonly database: string; readonly name: string }
  | {
      readonly kind: 'create-shard-groups';
      readonly database: string;
      readonly retentionPolicy: string;
      /** One time in each group that is wanted. Times that have a group already are left alone. */
      readonly timesNs: readonly bigint[];
    }
  | {
      readonly kind: 'acquire-lease';
      readonly name: string;
      readonly nodeId: number;
      readonly nowNs: bigint;
      readonly durationNs: bigint;
    };

/** Fields not given keep their default, or with ALTER what they were. 0 as a duration means forever. */
export interface PolicySpec {
  readonly name?: string | undefined;
  readonly durationNs?: bigint | undefined;
  readonly shardDurationNs?: bigint | undefined;
  readonly replication?: number | undefined;
  readonly pastLimitNs?: bigint | undefined;
  readonly futureLimitNs?: bigint | undefined;
}

/** What goes through the log. `id` is random, one for each command however often it is sent. */
export interface LoggedCommand {
  readonly id: string;
  readonly command: Command;
}
