/**
 * All that waits for one shard of one node, and when it is to be brought.
 *
 * Not here: bringing it (node-drain.ts), its files (hint-queue.ts).
 */
import type { Latch } from '../base/async/latch.ts';
import type { Timer } from '../env/clock.ts';
import type { ProcessorCounters } from './hint-counters.ts';
import type { HintQueue } from './hint-queue.ts';

export interface ShardHints {
  readonly shardId: number;
  readonly queue: HintQueue;
  readonly counters: ProcessorCounters;
  retryAtMs: number;
  retryMs: number;
  isBusy: boolean;
  isDropping: boolean;
  /** While the last of it is being brought: opened once the queue is empty, or fails. */
  closing: { readonly over: Latch<undefined>; readonly timer: Timer } | undefined;
}

/** Whether something may be brought of it, once its pause is over. */
export function isDue({ queue, isDropping }: ShardHints): boolean {
  return queue.hasUnread && !isDropping;
}

/** Whoever waits for its end goes on. */
export function endClosing(shard: ShardHints): void {
  const { closing } = shard;
  shard.closing = undefined;
  closing?.timer.cancel();
  closing?.over.open(undefined);
}
