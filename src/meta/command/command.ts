import type {
  GrantedPrivilege,
  NodeLabel,
  Role,
  ScopedPermissions,
  User,
} from '../model/catalog.ts';
import type { Acl, AclGrant, AclKind } from '../model/acl.ts';
import type { Database } from '../model/database.ts';
import type { MoveGoal, ProposedMove } from '../model/move-plan.ts';

/** Changes of the catalog. A kind or field is never given a new meaning; new ones are added (decision 26). */
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
      readonly isPassive?: boolean | undefined;
    }
  | {
      readonly kind: 'update-data-node';
      readonly nodeId: number;
      readonly httpAddress: string;
      readonly tcpAddress: string;
    }
  | {
      readonly kind: 'set-node-labels';
      readonly nodeId: number;
      /** Others that the node has stay. */
      readonly labels: readonly NodeLabel[];
    }
  | {
      readonly kind: 'delete-node-labels';
      readonly nodeId: number;
      readonly names: readonly string[];
    }
  | { readonly kind: 'delete-data-node'; readonly nodeId: number }
  | {
      readonly kind: 'create-database';
      readonly name: string;
      /** Made with the database; `autogen` when absent. */
      readonly policy?: PolicySpec | undefined;
    }
  /** Without a retention policy (`retention-autocreate`). */
  | { readonly kind: 'create-bare-database'; readonly name: string }
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
  | { readonly kind: 'truncate-shard-groups'; readonly timeNs: bigint }
  | {
      /** By retention: the group is marked, its shards are dropped. */
      readonly kind: 'delete-shard-group';
      readonly database: string;
      readonly retentionPolicy: string;
      readonly groupId: number;
      readonly nowNs: bigint;
    }
  /** Forgets groups that were marked deleted before a time. */
  | { readonly kind: 'prune-shard-groups'; readonly beforeNs: bigint }
  | { readonly kind: 'drop-shard'; readonly shardId: number; readonly nowNs: bigint }
  | { readonly kind: 'add-shard-owner'; readonly shardId: number; readonly nodeId: number }
  | {
      /** A shard without an owner left goes, and a group without a shard is marked deleted. */
      readonly kind: 'remove-shard-owner';
      readonly shardId: number;
      readonly nodeId: number;
      readonly nowNs: bigint;
    }
  | {
      /** The destination is sent what is written to the shard from here on, and owns it once the copy is finished. */
      readonly kind: 'begin-shard-copy';
      readonly shardId: number;
      readonly sourceId: number;
      readonly destinationId: number;
      readonly startedNs: bigint;
    }
  /** Of a copy that is whole; refused when it was given up. */
  | ({ readonly kind: 'finish-shard-copy' } & NamedCopy)
  /** The destination is to discard what it has. */
  | ({ readonly kind: 'abort-shard-copy' } & NamedCopy)
  /** It has. */
  | ({ readonly kind: 'forget-shard-copy' } & NamedCopy)
  | {
      /** Refused while another plan is in force. */
      readonly kind: 'begin-move-plan';
      readonly goal: MoveGoal;
      /** 0 for none, of both. */
      readonly leavingId: number;
      readonly joiningId: number;
      readonly isRemoval: boolean;
      readonly startedNs: bigint;
      readonly moves: readonly ProposedMove[];
    }
  | {
      readonly kind: 'extend-move-plan';
      readonly planIndex: number;
      readonly moves: readonly ProposedMove[];
    }
  | {
      /** Or goes on with it: what has failed is tried again then. */
      readonly kind: 'pause-move-plan';
      readonly planIndex: number;
      readonly isPaused: boolean;
    }
  | {
      /** `hand-over`: the new owner has it, and the old one owns it no more. */
      readonly kind: 'advance-shard-move';
      readonly planIndex: number;
      readonly shardId: number;
      readonly fromId: number;
      readonly toId: number;
      readonly step: MoveStep;
      /** Of a failure. */
      readonly reason: string;
    }
  | { readonly kind: 'end-move-plan'; readonly planIndex: number; readonly nowNs: bigint }
  | {
      readonly kind: 'create-continuous-query';
      readonly database: string;
      readonly name: string;
      readonly text: string;
      readonly nowNs?: bigint | undefined;
    }
  | {
      /** How far continuous queries have run; refused from whoever does not hold the lease any more. */
      readonly kind: 'mark-continuous-queries';
      readonly lease: string;
      readonly token: number;
      readonly marks: readonly ContinuousQueryMark[];
    }
  | { readonly kind: 'drop-continuous-query'; readonly database: string; readonly name: string }
  | {
      readonly kind: 'create-subscription';
      readonly database: string;
      readonly retentionPolicy: string;
      readonly name: string;
      readonly mode: 'ALL' | 'ANY';
      readonly destinations: readonly string[];
    }
  | {
      readonly kind: 'drop-subscription';
      readonly database: string;
      readonly retentionPolicy: string;
      readonly name: string;
    }
  | {
      readonly kind: 'create-user';
      readonly name: string;
      readonly hash: string;
      readonly isAdmin: boolean;
    }
  | { readonly kind: 'drop-user'; readonly name: string }
  | { readonly kind: 'set-user-hash'; readonly name: string; readonly hash: string }
  | { readonly kind: 'set-user-admin'; readonly name: string; readonly isAdmin: boolean }
  | {
      readonly kind: 'set-user-privilege';
      readonly name: string;
      readonly database: string;
      readonly privilege: GrantedPrivilege;
    }
  | {
      /** Of what the user has by then: who asks for it may know less. */
      readonly kind: 'revoke-user-privilege';
      readonly name: string;
      readonly database: string;
      readonly privilege: Exclude<GrantedPrivilege, 'NO PRIVILEGES'>;
    }
  | {
      readonly kind: 'create-permitted-user';
      readonly name: string;
      readonly hash: string;
      readonly permissions: readonly ScopedPermissions[];
    }
  | ({ readonly kind: 'change-user-permissions' } & ChangedPermissions)
  | ({ readonly kind: 'change-role-permissions' } & ChangedPermissions)
  | {
      readonly kind: 'create-role';
      readonly name: string;
      readonly permissions: readonly ScopedPermissions[];
      readonly users: readonly string[];
    }
  | { readonly kind: 'drop-role'; readonly name: string }
  | {
      readonly kind: 'change-role-users';
      readonly name: string;
      readonly users: readonly string[];
      readonly isAdded: boolean;
    }
  /** `rule` of a restriction has neither users nor roles. */
  | { readonly kind: 'create-acl-rule'; readonly of: AclKind; readonly rule: AclGrant }
  | { readonly kind: 'drop-acl-rule'; readonly of: AclKind; readonly ruleId: string }
  /** '' for none. */
  | { readonly kind: 'set-ldap-config'; readonly text: string }
  | {
      /** What a single InfluxDB had, and one data node has on its disk by now. */
      readonly kind: 'import-databases';
      /** Becomes the one owner of all shards, whoever owned them before. */
      readonly nodeId: number;
      readonly databases: readonly Database[];
      readonly users: readonly User[];
      /** Ids count on from these. */
      readonly maxShardGroupId: number;
      readonly maxShardId: number;
    }
  | {
      /** What a backup had of some databases: their shards get new ids, and owners of this cluster (spec F84). */
      readonly kind: 'restore-databases';
      /** Shards with a restoreIndex, whatever it is, are not read before their restore is finished. `restoredFrom` names it. */
      readonly databases: readonly Database[];
      /** Those whose name is taken stay as they are. */
      readonly users: readonly User[];
      readonly roles?: readonly Role[] | undefined;
      readonly acl?: Acl | undefined;
    }
  /** What the backup had of these shards is at their owners; those that are not there are passed over. */
  | { readonly kind: 'finish-restore'; readonly shardIds: readonly number[] }
  | {
      /** Databases, policies, continuous queries and users become those of a backup of this cluster (spec F85). */
      readonly kind: 'overwrite-databases';
      /** Of the backup. */
      readonly clusterId: bigint;
      readonly databases: readonly Database[];
      readonly users: readonly User[];
      readonly roles?: readonly Role[] | undefined;
      readonly acl?: Acl | undefined;
    }
  | {
      readonly kind: 'acquire-lease';
      readonly name: string;
      readonly nodeId: number;
      readonly nowNs: bigint;
      readonly durationNs: bigint;
    };

export type MoveStep = 'hand-over' | 'done' | 'left' | 'failed';
export const moveSteps = ['hand-over', 'done', 'left', 'failed'] as const;

export interface ChangedPermissions {
  readonly name: string;
  readonly permissions: readonly ScopedPermissions[];
  /** They are added, or else taken away. */
  readonly isGrant: boolean;
}

export interface NamedCopy {
  readonly shardId: number;
  readonly destinationId: number;
  readonly beganIndex: number;
}

export interface ContinuousQueryMark {
  readonly database: string;
  readonly name: string;
  /** Of the query that ran: one that was made anew under its name is another. */
  readonly createdNs?: bigint | undefined;
  readonly ranUntilNs: bigint;
}

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
