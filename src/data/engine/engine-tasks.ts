import type { Stamp } from '../../models/stamp.ts';
import type { SharedAccounts } from '../../query/run/select-limits.ts';
import type { RowChecks } from '../../storage/engine/limits/row-checks.ts';
import type { SeriesLimits } from '../../storage/engine/limits/series-limits.ts';
import type { LimitQuestion, OtherSeries } from '../../storage/store/shards/other-series.ts';
import type { IngressOptions } from '../../storage/store/ingress.ts';
import type { CompactionSettings } from '../../storage/store/store-options.ts';
import type { ShareLimits } from './answers/shared/share-answer.ts';
import type { ListPiece } from './lists/schema-list.ts';
import type { RoutedLines } from './lines/route-lines.ts';
import type { DeletePointsRequest, FieldsOfShard, NamedShard, OwnerReceipt, TypedBatch } from './shard-access.ts'; // prettier-ignore

/** Plain data that a worker is started with. */
export interface StorageEngineOptions {
  readonly dataFolder: string;
  readonly walFolder: string;
  readonly segmentBytesMax: number;
  readonly queueBytesMax: number;
  /** Of the log, in files or not: what a start remembers; 32 MiB when left out. */
  readonly logKeptBytes?: number | undefined;
  /** What runs before have left of the log stays until let-runs-before-go. */
  readonly keepsRunsBefore?: boolean | undefined;
  readonly syncDelayMs?: number | undefined;
  /** By what the points that come are counted; absent: by nothing. */
  readonly ingress?: IngressOptions | undefined;
  /** `trace-logging-enabled`: the log tells of each step of the stores. */
  readonly isTraced?: boolean | undefined;
  readonly arenaBytesMax: number;
  readonly snapshotBytes: number;
  readonly snapshotColdMs: number;
  readonly cacheBytesMax: number;
  readonly indexCacheBytesMax?: number;
  readonly blockCacheBytesMax?: number;
  readonly residentBytesMax?: number;
  readonly memtablesBytesMax: number;
  readonly compaction: CompactionSettings;
  readonly seriesLimits?: SeriesLimits | undefined;
  readonly rowChecks?: RowChecks | undefined;
  /** What the workers know of each other's series. */
  readonly seriesBounds?: Int32Array | undefined;
  /** The compactions that they have at work. */
  readonly compactionSlots?: Int32Array | undefined;
  /** Shards of a worker that one DELETE goes through at once; 1 when left out. */
  readonly deletesMax?: number | undefined;
  /** The node's account of queries and its limits; absent: one of the worker's own. */
  readonly queryAccounts?: SharedAccounts | undefined;
  /** Absent: those that were measured. */
  readonly shareLimits?: ShareLimits | undefined;
  /** Of the list of shards; apart from the points, so that a missing disk is missed. */
  readonly rosterFolder?: string | undefined;
}

/** A batch on its way to a worker, with the cluster that a shard is made for. */
export interface HomeBatch extends TypedBatch {
  readonly clusterId: bigint;
  /** Of a shard that is being restored: should it be made now, room for what it had is left below what is written. */
  readonly copyIndex?: number | undefined;
  /** The shard has no other owner. */
  readonly isAlone?: boolean | undefined;
  /** What the other workers have answered to the question of an earlier try. */
  readonly others?: readonly OtherSeries[] | undefined;
}

/** Asks a worker of its series of a database, for a batch that is on its way to another one. */
export interface OtherSeriesTask {
  readonly database: string;
  readonly payload: Uint8Array;
  readonly question: LimitQuestion;
}

/** Of a batch that was written, or that is not before a question is answered. */
export interface HomeReceipt extends OwnerReceipt {
  readonly asks?: LimitQuestion | undefined;
  readonly newer?: Stamp | undefined;
}

/** Asks whether a batch comes late. */
export interface LateTask {
  readonly shardId: number;
  readonly stamp: Stamp;
  readonly minTimeNs: bigint;
  readonly maxTimeNs: bigint;
}

export interface HomeFields extends FieldsOfShard {
  readonly clusterId: bigint;
  readonly copyIndex?: number | undefined;
}

/** Shards that are not here and are to be made, so that they remember the delete. */
export interface HomeDelete extends DeletePointsRequest {
  readonly clusterId: bigint;
  readonly places: readonly NamedShard[];
}

/** A snapshot is asked for by a number that no other has in this run. */
export interface SnapshotTask {
  readonly shardId: number;
  readonly number: number;
}

/** A file of a snapshot. */
export interface CheckTask {
  readonly folder: string;
  readonly name: string;
}

/** Files of a copy that wait in a folder, and what has been deleted of the shard since the copy began. */
export interface InstallTask extends NamedShard {
  readonly clusterId: bigint;
  readonly copyIndex: number;
  readonly staging: string;
  readonly deletes: readonly DeletePointsRequest[];
}

/** A shard that is brought here, should there be nothing of it yet. */
export type ExpectTask = Omit<InstallTask, 'staging' | 'deletes'>;

/** What a worker says beside its answers: what was described or listed at an older version may have grown since. */
export interface EngineVersions {
  readonly schemaVersion: number;
  readonly seriesVersion: number;
}

export type EngineRoutedLines = RoutedLines & EngineVersions;
export type EngineReceipt = HomeReceipt & EngineVersions;

/** What was written of bodies that were joined. */
export type EngineJoined = readonly [schemaVersion: number, seriesVersion: number, shardId: number, pointCount: number]; // prettier-ignore

/** Pieces of a list, and the version at which it is read. */
export interface EngineList {
  readonly pieces: readonly ListPiece[];
  readonly seriesVersion: number;
}

/** Number of the worker that holds a shard. */
export function homeOf(shardId: number, workerCount: number): number {
  return shardId % workerCount;
}

/** What shards took last in the runs before (storage/wal/lately-logged.ts). */
export interface LatelyLoggedTask {
  readonly shardIds: readonly number[];
  readonly windowNs: bigint;
}

/** Batches that the log gave shards and that are in doubt; once each. `isLast`: there will be no more. */
export interface ReplayedDoubts {
  readonly batches: readonly (NamedShard & { readonly payload: Uint8Array })[];
  readonly isLast: boolean;
}
