/** Which shards are flushed next: pure, of what memory they take and when they were written to. */
import type { OpenShard } from '../shards/open-shards.ts';

/** The one with the largest memtable, once all together are past the limit. */
export function largestPast(shards: Iterable<OpenShard>, bytesMax: number): OpenShard | undefined {
  let largest: OpenShard | undefined;
  let totalBytes = 0;
  for (const open of shards) {
    totalBytes += open.shard.activeBytes;
    if (open.shard.activeBytes > (largest?.shard.activeBytes ?? -1)) largest = open;
  }
  return totalBytes < bytesMax ? undefined : largest;
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
