import type { HintQueue } from './hint-queue.ts';

/** Drops what was queued before, block by block. Answers how many records that was. */
export async function dropOldRecords(
  queue: HintQueue,
  beforeNs: bigint,
  batchBytesMax: number,
): Promise<number> {
  let droppedCount = 0;
  let mayHaveMore = true;
  while (mayHaveMore && queue.hasUnread) {
    let isAllOld = false;
    const wasRead = await queue.consume(batchBytesMax, ({ records }) => {
      const young = records.findIndex(({ queuedAtNs }) => queuedAtNs >= beforeNs);
      isAllOld = young < 0;
      const count = isAllOld ? records.length : young;
      droppedCount += count;
      return count;
    });
    mayHaveMore = wasRead && isAllOld;
  }
  return droppedCount;
}
