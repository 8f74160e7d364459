/** Which shards are flushed next: pure, of what memory they take and when they were written to. */
import type { OpenShard } from '../shards/open-shards.ts';

/** Past the limit it is asked again after this part of it, as a flush takes a moment to begin. */
const pastShare = 1 / 256;

export interface LargestPast {
  readonly largest: OpenShard | undefined;
  /** How many bytes more may come before it is to be asked again. */
  readonly slackBytes: number;
}

/** The one with the largest memtable, once all together are past the limit. */
export function largestPast(shards: Iterable<OpenShard>, bytesMax: number): LargestPast {
  let largest: OpenShard | undefined;
  let totalBytes = 0;
  for (const open of shards) {
    totalBytes += open.shard.activeBytes;
    if (open.shard.activeBytes > (largest?.shard.activeBytes ?? -1)) largest = open;
  }
  const slackBytes = Math.max(bytesMax - totalBytes, bytesMax * pastShare);
  return { largest: totalBytes < bytesMax ? undefined : largest, slackBytes };
}

/** The one that has the most in memory, what a flush that failed has set aside too; none when all is in files. */
export function largestOf(shards: Iterable<OpenShard>): OpenShard | undefined {
  let largest: OpenShard | undefined;
  for (const open of shards)
    if (open.shard.memtableBytes > (largest?.shard.memtableBytes ?? 0)) largest = open;
  return largest;
}

/** A shard that took no write since, and has something that its files, or their list, have not. */
export function isColdFlushDue(
  { shard, lastWriteMs, isIndexBehind }: OpenShard,
  beforeMs: number,
): boolean {
  const { memtableBytes, index } = shard;
  // Behind: the points are in a file that the disk had no room to list.
  return lastWriteMs < beforeMs && (memtableBytes > 0 || index.active.count > 0 || isIndexBehind);
}
