/**
 * The cluster's facts, as every meta node holds them and every data node caches them (spec 3.6).
 *
 * Invariants:
 * - Immutable: a change makes a new Catalog that shares what stayed the same.
 * - Equal on all nodes at equal `index`: changed only by applyCommand.
 * - A command costs the same with ten databases and with ten thousand.
 * - Ids of shards count up for ever: one that is not above `maxShardId` and not in `databases` was dropped.
 *
 * Not here: where it is kept (meta/server), how it reaches data nodes (meta/client).
 */
import type { Permission } from '../../base/permission.ts';
import type { Acl } from './acl.ts';
import type { Database, RetentionPolicy } from './database.ts';
import { Databases } from './databases.ts';
import { leavingNodeId, type MovePlan } from './move-plan.ts';
import type { ShardCopy } from './shard-copy.ts';

export type {
  ContinuousQuery,
  Database,
  RetentionPolicy,
  RetentionRules,
  ShardGroup,
  ShardInfo,
  Subscription,
} from './database.ts';

export interface Catalog {
  /** Of the schema below. A node that reads a newer one stops (decision 145). */
  readonly version: number;
  /** Random, not zero; zero until the first meta node has founded the cluster. */
  readonly clusterId: bigint;
  /** Raft index of the last command that changed it; data nodes wait for it. */
  readonly index: number;
  readonly metaNodes: readonly MetaNode[];
  /** In order of their ids. */
  readonly dataNodes: readonly DataNode[];
  /** In the order they were created, as SHOW DATABASES lists them (spec 6.2). */
  readonly databases: Databases;
  readonly leases: readonly Lease[];
  /** In the order they were made; absent when there are none. */
  readonly users?: readonly User[] | undefined;
  /** In the order they were made; absent when there are none. */
  readonly roles?: readonly Role[] | undefined;
  /** What is restricted, and granted all the same; absent when nothing is. */
  readonly acl?: Acl | undefined;
  /** What `influxd-ctl ldap set-config` was given: TOML, with the password of who searches. Absent for none. */
  readonly ldap?: string | undefined;
  /** Copies of shards under way; absent when there are none. */
  readonly copies?: readonly ShardCopy[] | undefined;
  /** By which shards move; absent before the first one. */
  readonly movePlan?: MovePlan | undefined;
  /** One counter for meta and data nodes (spec F12). */
  readonly maxNodeId: number;
  readonly maxShardGroupId: number;
  readonly maxShardId: number;
  /** What the latest commands answered, oldest first: a command that arrives twice applies once. */
  readonly answered: readonly AnsweredCommand[];
}

export const catalogVersion = 3;
/** What whoever may pass over what is new to it is sent: a data node of an earlier release goes on. */
export const firstCatalogVersion = 2;
export const answeredMax = 1024;

type OptionalPart = { [Key in keyof Catalog]-?: undefined extends Catalog[Key] ? Key : never }[keyof Catalog]; // prettier-ignore

/** The version that first had each part. */
const partsSince: Readonly<Record<OptionalPart, number>> = {
  users: 2,
  roles: 2,
  copies: 2,
  movePlan: 2,
  acl: 3,
  ldap: 3,
};

export interface MetaNode {
  readonly id: number;
  /** host:8091. */
  readonly httpAddress: string;
  /** host:8089, Raft. */
  readonly tcpAddress: string;
  /** Set by the operator, of no effect (spec F20); absent when there are none. */
  readonly labels?: NodeLabels | undefined;
}

/** In order of the names, each once. */
export type NodeLabels = readonly NodeLabel[];

export interface NodeLabel {
  readonly name: string;
  readonly value: string;
}

export interface DataNode {
  readonly id: number;
  /** host:8086. */
  readonly httpAddress: string;
  /** host:8088. */
  readonly tcpAddress: string;
  readonly labels?: NodeLabels | undefined;
  /** Takes writes and queries and passes them on, but owns no shard (spec F19). */
  readonly isPassive?: boolean | undefined;
}

export interface User {
  readonly name: string;
  /** Of the password, as env/node/passwords/hash-password.ts makes it. */
  readonly hash: string;
  readonly isAdmin: boolean;
  /** One for each database at most. */
  readonly privileges: readonly {
    readonly database: string;
    readonly privilege: GrantedPrivilege;
  }[];
  /** What the API of the meta nodes has granted besides (permissions.ts); absent when there is nothing. */
  readonly permissions?: readonly ScopedPermissions[] | undefined;
}

/** Each scope once, with one permission at least, in order (permissions.ts). */
export interface ScopedPermissions {
  /** A database, or '' for the whole cluster. */
  readonly scope: string;
  readonly permissions: readonly Permission[];
}

/** What users may do who are named in it (spec F95). */
export interface Role {
  readonly name: string;
  readonly permissions: readonly ScopedPermissions[];
  readonly users: readonly string[];
}

export type GrantedPrivilege = 'READ' | 'WRITE' | 'ALL PRIVILEGES' | 'NO PRIVILEGES';

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

/** What a command made: a node, a lease, shards. */
export interface CommandValue {
  readonly nodeId?: number;
  /** With nodeId: it was not there before. */
  readonly isNew?: boolean;
  readonly lease?: Lease;
  /** The lowest id of shards that were restored: theirs follow each other in the order of the ids they had. */
  readonly firstShardId?: number;
}

export const emptyCatalog: Catalog = {
  version: catalogVersion,
  clusterId: 0n,
  index: 0,
  metaNodes: [],
  dataNodes: [],
  databases: Databases.empty,
  leases: [],
  maxNodeId: 0,
  maxShardGroupId: 0,
  maxShardId: 0,
  answered: [],
};

/** The least version whose readers lose nothing of the catalog. */
export function versionNeeded(catalog: Catalog): number {
  const parts = Object.entries(partsSince) as (readonly [OptionalPart, number])[];
  const present = parts.filter(([part]) => catalog[part] !== undefined);
  return Math.max(firstCatalogVersion, ...present.map(([, version]) => version));
}

export function findDatabase(catalog: Catalog, name: string): Database | undefined {
  return catalog.databases.get(name);
}

/** Those that are given shards. One that is to own nothing is, only when there is no other. */
export function activeDataNodes(catalog: Catalog): readonly DataNode[] {
  const active = catalog.dataNodes.filter(({ isPassive }) => isPassive !== true);
  const leavingId = leavingNodeId(catalog);
  const staying = leavingId === 0 ? active : active.filter(({ id }) => id !== leavingId);
  return staying.length === 0 ? active : staying;
}

/** '' means the default one. */
export function findRetentionPolicy(database: Database, name: string): RetentionPolicy | undefined {
  const wanted = name === '' ? database.defaultRetentionPolicy : name;
  return database.retentionPolicies.find((policy) => policy.name === wanted);
}
