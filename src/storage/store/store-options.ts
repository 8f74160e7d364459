/** What a store of shards is opened with: folders, limits, and the ports that it takes. */
import { MiB } from '../../base/units.ts';
import type { Clock } from '../../env/clock.ts';
import type { Disk } from '../../env/disk.ts';
import type { Log } from '../../env/log.ts';
import type { Random } from '../../env/random.ts';
import type { ColumnKernel } from '../../kernels/column-kernel.ts';
import type { RowChecks } from '../engine/limits/row-checks.ts';
import type { SeriesLimits } from '../engine/limits/series-limits.ts';
import type { CompactorOptions } from './compaction/compactor.ts';
import type { Ingress } from './ingress.ts';
import type { DeleteFilters } from './deletes/stored-deletes.ts';

export interface StoreOptions {
  readonly dataFolder: string;
  readonly walFolder: string;
  /** Number of this worker. */
  readonly worker: number;
  readonly isHome: (shardId: number) => boolean;
  readonly segmentBytesMax: number;
  readonly queueBytesMax: number;
  /** `wal-fsync-delay`: so long writes wait for others that go to the disk with them. Absent: not at all. */
  readonly syncDelayMs?: number | undefined;
  /** A memtable of this size is flushed, and one that took no write for so long. */
  readonly snapshotBytes: number;
  readonly snapshotColdMs: number;
  /** Memtables of one shard: past it writes are refused. */
  readonly cacheBytesMax: number;
  /** Memtables of all shards of the worker: past it the largest is flushed. */
  readonly memtablesBytesMax: number;
  /** Absent: there are none. */
  readonly seriesLimits?: SeriesLimits | undefined;
  /** Absent: as the reference has them without a configuration. */
  readonly rowChecks?: RowChecks | undefined;
  /** What the workers of the node know of each other's series; absent: there is no other worker. */
  readonly seriesBounds?: Int32Array | undefined;
  /** The compactions that the workers of the node have at work; absent: there is no other worker. */
  readonly compactionSlots?: Int32Array | undefined;
  /** Series and memtables of all shards of the worker, to the last byte. */
  readonly memoryBytesMax?: number;
  /** Pages of indexes that are held in memory, of all shards of the worker. */
  readonly indexCacheBytesMax?: number | undefined;
  /** The same for pieces of files with their blocks. */
  readonly blockCacheBytesMax?: number | undefined;
  /** Series of all shards of the worker that stay in memory after a flush, since they may be written to again. */
  readonly residentBytesMax?: number | undefined;
  /** Of batches that shards remember, of all shards of the worker: what tells exactly how late ones stand to them. */
  readonly recentBytesMax?: number | undefined;
  /** Shards that the log has nothing of are opened behind, or when they are asked for. */
  readonly opensBehind?: boolean | undefined;
  /** So many of those that the log has the last records of are opened as the store starts; none when left out. */
  readonly opensLatest?: number | undefined;
  /** One of several stores that open side by side: damage of the log is left to settleLog() of one, once all are open. */
  readonly settlesLater?: boolean | undefined;
  /** So much of the log stays at its end, whatever of it is in files; absent: nothing. */
  readonly logKeptBytes?: number | undefined;
  /** What runs before have left of the log stays, in files or not, until letRunsBeforeGo(). */
  readonly keepsRunsBefore?: boolean | undefined;
  /** Of the roster, on another disk than the points if there is one; without it a folder that goes is not missed. */
  readonly rosterFolder?: string | undefined;
  /** What is counted of the points that come; absent: nothing by measurement or login. */
  readonly ingress?: Ingress | undefined;
  /** Absent: only what is asked for is compacted. */
  readonly compaction?: CompactionSettings | undefined;
}

export const indexCacheBytesDefault = 64 * MiB;
export const blockCacheBytesDefault = 64 * MiB;
export const residentBytesDefault = 192 * MiB;
export const recentBytesDefault = 32 * MiB;

/** Memory of WebAssembly ends at 4 GiB; what a flush works on has to fit in beside what is flushed. */
const memoryBytesMost = 3_840 * MiB;
/** Kept free of writes, for flushes and readers. */
const memoryBytesKept = 512 * MiB;

export function memoryBytesMaxOf({ memoryBytesMax = memoryBytesMost }: StoreOptions): number {
  return memoryBytesMax;
}

/** With so much in use writes are refused. */
export function memoryUsedMax(options: StoreOptions): number {
  const bytesMax = memoryBytesMaxOf(options);
  return Math.max(bytesMax - memoryBytesKept, bytesMax / 2);
}

export interface CompactionSettings extends CompactorOptions {
  /** `compact-throughput` and `compact-throughput-burst`: this worker's share. 0 for no limit. */
  readonly bytesPerSecond: number;
  readonly burstBytes: number;
}

/** Never by itself. */
export const compactionByHand: CompactionSettings = {
  isByHand: true,
  fullColdMs: Number.POSITIVE_INFINITY,
  fileBytesMax: Number.POSITIVE_INFINITY,
  bytesPerSecond: 0,
  burstBytes: 0,
};

export interface StorePorts {
  readonly disk: Disk;
  readonly log: Log;
  /** Told what the store does step by step (`trace-logging-enabled`); nobody is when left out. */
  readonly trace?: Pick<Log, 'info'> | undefined;
  readonly clock: Clock;
  readonly turn: () => Promise<void>;
  /** For the log's salt; without one it is 0, which is for tests alone. */
  readonly random?: Random | undefined;
  /** What the filters of deletes mean; without it they mean no series of what comes late. */
  readonly filters?: DeleteFilters | undefined;
  /** Of the worker, for its compactions. */
  readonly columnKernel?: ColumnKernel | undefined;
  /** What the store's kernel uses: one that is new when left out. */
  readonly kernelMemory?: WebAssembly.Memory | undefined;
}
