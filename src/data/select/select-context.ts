import type { RulesOf } from '../access/series-rules.ts';
import type { Clock } from '../../env/clock.ts';
import type { Random } from '../../env/random.ts';
import type { MetaAccess } from '../../meta/client/meta-access.ts';
import type { LeaseFence } from '../engine/shard-access.ts';
import type { ClusterShards } from '../shards/cluster-shards.ts';
import type { FailedOwners } from '../shards/failed-owners.ts';
import type { SelectAccounts } from '../../query/run/select-limits.ts';
import type { WriteLines } from './write-into.ts';

export interface SelectPorts {
  readonly clock: Clock;
  /** Resolves once others have had their turn. */
  readonly turn: () => Promise<void>;
  readonly random: Random;
  readonly meta: MetaAccess;
  readonly shards: ClusterShards;
  readonly accounts: SelectAccounts;
  readonly writeLines: WriteLines;
  /** `strict-error-handling`, of what INTO writes. */
  readonly isStrict?: boolean | undefined;
}

export interface SelectContext {
  readonly database: string;
  /** Of the request; '' for each database's default. */
  readonly retentionPolicy: string;
  readonly nowNs: bigint;
  readonly bucketsMax: number;
  readonly signal: AbortSignal;
  /** The one data node that may be read, so that what its copies hold can be seen; absent: any. */
  readonly pinnedNodeId?: number | undefined;
  /** Owners that were waited for in vain by an earlier try. */
  readonly failedBefore?: FailedOwners | undefined;
  /** What is restricted for whoever asks; absent where nothing is. */
  readonly rules?: { readonly reads: RulesOf; readonly writes: RulesOf } | undefined;
  /** Of what INTO writes, if only the holder of a lease may. */
  readonly fence?: LeaseFence | undefined;
}

/** One of the tries of a SELECT, each over other owners. */
export interface Attempt {
  readonly context: SelectContext;
  readonly ports: SelectPorts;
  readonly failed: FailedOwners;
  /** Whether what other nodes said before may do, as long as they say that it holds when they are asked for blocks. */
  readonly trustsMemory?: boolean;
  /** Whether nodes say that what they said holds when they are asked for blocks. */
  readonly isGuarded?: boolean;
}
