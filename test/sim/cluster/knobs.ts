import { below, fraction, type Random } from '../../../src/env/random.ts';

/** Settings that a seed draws: small ones reach paths that a cluster of production size sees once a week. */
export interface Knobs {
  readonly replicaCount: number;
  readonly clientCount: number;
  readonly weekCount: number;
  readonly walSegmentBytesMax: number;
  readonly snapshotBytes: number;
  readonly snapshotColdMs: number;
  /** Of the index, and of blocks: small ones read pages again and let series go at nearly each flush. */
  readonly indexCacheBytes: number;
  readonly indexResidentBytes: number;
  /** 0 is no limit. */
  readonly cacheBytesMax: number;
  readonly hintBatchBytes: number;
  /** Entries after which a meta node makes a snapshot and cuts its log. */
  readonly raftSnapshotEntries: number;
  readonly electionTicks: number;
  /** Of a file that a compaction makes; undefined for that of a real node. */
  readonly tsmFileBytesMax: number | undefined;
}

export function drawKnobs(random: Random): Knobs {
  return {
    replicaCount: 2 + below(random, 2),
    clientCount: 3 + below(random, 3),
    weekCount: 2 + below(random, 5),
    walSegmentBytesMax: 500 + below(random, 8_000),
    snapshotBytes: 500 + below(random, 8_000),
    snapshotColdMs: 1_000 + below(random, 6_000),
    cacheBytesMax: fraction(random) < 0.3 ? 9_000 + below(random, 20_000) : 0,
    hintBatchBytes: 300 + below(random, 5_000),
    raftSnapshotEntries: 3 + below(random, 40),
    electionTicks: 6 + below(random, 8),
    indexCacheBytes: fraction(random) < 0.5 ? 0 : 1 << 20,
    indexResidentBytes: fraction(random) < 0.7 ? 0 : 1 << 20,
    tsmFileBytesMax: fraction(random) < 0.5 ? 300 + below(random, 3_000) : undefined,
  };
}

/** Engine workers of a data node: another number at each start. */
export function drawWorkerCount(random: Random): number {
  return 1 + below(random, 3);
}

/** Shards are repaired when asked for, and not looked at. */
export const repairsAsked = 'check-interval = "1000h"';

/** The configuration of data node `name`. */
export function dataToml(
  name: string,
  knobs: Knobs & { readonly avoidsLagging: boolean },
  antiEntropy: string,
): string {
  return `hostname = "${name}"
bind-address = "${name}:8088"
[meta]
dir = "meta"
[data]
dir = "data"
wal-dir = "wal"
cache-snapshot-memory-size = ${knobs.snapshotBytes}
cache-snapshot-write-cold-duration = "${knobs.snapshotColdMs}ms"
cache-max-memory-size = ${knobs.cacheBytesMax}
index-cache-size = ${knobs.indexCacheBytes}
block-cache-size = ${knobs.indexCacheBytes}
index-resident-size = ${knobs.indexResidentBytes}
[cluster]
write-timeout = "3s"
avoid-lagging-owners = ${knobs.avoidsLagging}
[anti-entropy]
enabled = true
${antiEntropy}
[hinted-handoff]
dir = "hh"
batch-size = ${knobs.hintBatchBytes}
retry-interval = "200ms"
retry-max-interval = "2s"`;
}
