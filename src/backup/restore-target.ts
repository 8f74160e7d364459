/** What a restore needs of a cluster, and of everything else. */
import type { Clock } from '../env/clock.ts';
import type { Acl } from '../meta/model/acl.ts';
import type { Catalog, Role, User } from '../meta/model/catalog.ts';
import type { Database } from '../meta/model/database.ts';
import type { ShardPlace } from '../meta/model/databases.ts';
import type { BackupStore } from './backup-store.ts';
import type { Decompress } from './shard-archive.ts';
import type { Survey } from './shard-plan.ts';

/** Where the files of one shard go at one node; nothing is to be seen of them before `commit`. */
export interface ShardInstall {
  /** The files come one after the other, the pieces of each in order. */
  begin(file: { readonly name: string; readonly sizeBytes: number }): Promise<void>;
  write(piece: Uint8Array): Promise<void>;
  commit(): Promise<void>;
  abort(): Promise<void>;
}

export interface RestoreTarget {
  catalog(): Promise<Catalog>;
  /** Asks all data nodes. */
  survey(catalog: Catalog): Promise<Survey>;
  /** Answers which shard each becomes, by the id that it has in `content`. */
  restore(content: Facts): Promise<ReadonlyMap<number, number>>;
  /** What there is of a shard is at all its owners. */
  finish(shardId: number): Promise<void>;
  /** Data nodes that answer go by it once it resolves; with the addresses of those that have not heard of it. */
  overwrite(content: Facts & { readonly clusterId: bigint }): Promise<readonly string[]>;
  /** `node` is host:8088. */
  install(node: string, place: ShardPlace): Promise<ShardInstall>;
}

export interface Facts {
  readonly databases: readonly Database[];
  readonly users: readonly User[];
  readonly roles?: readonly Role[] | undefined;
  /** Absent when nothing is restricted. */
  readonly acl?: Acl | undefined;
}

export interface RestorePorts {
  readonly clock: Clock;
  readonly store: BackupStore;
  readonly target: RestoreTarget;
  readonly decompress: Decompress;
  readonly out: (text: string) => void;
  /** How long an owner that is away is waited for; as long as a restart takes where it is left out. */
  readonly ownerWithinMs?: number | undefined;
}
