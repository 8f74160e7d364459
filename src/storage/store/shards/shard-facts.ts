/** What a store is told of a shard with a batch, and what it says of its shards. */
import type { Stamp } from '../../../models/stamp.ts';
import type { LimitQuestion } from './other-series.ts';
import type { Shard } from '../../engine/shard.ts';
import type { StallKind } from './shard-work.ts';
import type { OpenShard, ShardPlace } from './open-shards.ts';

/** Where a batch goes; the cluster is that of a shard that is made for it. */
export interface WritePlace extends ShardPlace {
  readonly clusterId?: bigint | undefined;
  /** Of a shard that a copy is brought to, should it be made now: what names the copy. */
  readonly copyIndex?: number | undefined;
  /**
   * Its one copy is this, and batches come as they are taken from clients: they need not be remembered for the sake of late ones, and
   * each is later than what is here.
   */
  readonly isAlone?: boolean | undefined;
  /** Nothing of a batch is written where not all of it can be. */
  readonly isWhole?: boolean | undefined;
  /** Who writes, for the figures of what comes in. */
  readonly login?: string | undefined;
}

/** A shard of this worker, damaged or not. */
export interface ShardHolding extends ShardPlace {
  /** The cluster that it was made for; undefined when that is not known. */
  readonly clusterId: bigint | undefined;
  /** Its folder alone is here: the disk has not let it come to be, or go, all the way. */
  readonly isHalfway?: boolean | undefined;
}

/** How a shard is. */
export interface ShardFacts extends ShardPlace {
  /** Of its files and of what is in memory. */
  readonly sizeBytes: number;
  /** Some of it is in memory only. */
  readonly isHot: boolean;
  /** Milliseconds since it was written to, or since the node started. */
  readonly idleMs: number;
}

/** What is counted of a shard that can be read. */
export interface ShardNumbers extends ShardPlace {
  readonly seriesCount: number;
  /** At least: of the largest part of the index. */
  readonly measurementCount: number;
  /** Fields that have come to show since the node started. */
  readonly fieldsCreatedCount: number;
  readonly fileCount: number;
  readonly filesBytes: number;
  readonly memtableBytes: number;
  /** Fields of `tsm1_engine` and `tsm1_cache` (shard-work.ts). */
  readonly engine: Readonly<Record<string, number>>;
  readonly cache: Readonly<Record<string, number>>;
  /** How many times work did not move for long. */
  readonly stalls: Readonly<Record<StallKind, number>>;
}

/** A shard as long as it is open. */
export interface ShardContent {
  readonly shard: Pick<Shard, 'content' | 'files' | 'index'>;
  readonly folder: string;
}

export function numbersOf({ place, shard, work }: OpenShard): ShardNumbers {
  return {
    ...place,
    seriesCount: shard.seriesCount,
    measurementCount: shard.index.measurementCount,
    fieldsCreatedCount: shard.index.schemas.shownCount,
    fileCount: shard.files.length,
    filesBytes: shard.filesBytes,
    memtableBytes: shard.memtableBytes,
    engine: work.engineValues(),
    cache: work.cacheValues(),
    stalls: work.stalls,
  };
}

/** What a shard says of a batch that it has made durable. */
export interface WriteReceipt {
  readonly droppedCount: number;
  readonly reason: string;
  /** Nothing was written: the workers of the node that have other shards are to be asked first. */
  readonly asks?: LimitQuestion | undefined;
  /** What some of its points may have lost to (Shard.newerThan). */
  readonly newer?: Stamp | undefined;
  /** Nobody here can tell of some of its values whether they are later than what was there: they were taken as the latest. */
  readonly isUnclear?: boolean;
}

export function factsOf({ place, shard, lastWriteMs }: OpenShard, nowMs: number): ShardFacts {
  return {
    ...place,
    sizeBytes: shard.filesBytes + shard.memtableBytes,
    isHot: shard.memtableBytes > 0,
    idleMs: nowMs - lastWriteMs,
  };
}
