/** Queues of one node that have a file open, for appending or for reading: of too many the one longest at rest is closed. */
import type { HintQueue } from './hint-queue.ts';
import type { ShardHints } from './shard-hints.ts';

const openQueuesMax = 128;

export class OpenQueues {
  readonly #open = new Set<ShardHints>();
  readonly #letGo: (queue: HintQueue) => Promise<void>;
  readonly #onFailure: (shard: ShardHints, error: unknown) => void;

  constructor(
    letGo: (queue: HintQueue) => Promise<void>,
    onFailure: (shard: ShardHints, error: unknown) => void,
  ) {
    this.#letGo = letGo;
    this.#onFailure = onFailure;
  }

  touch(shard: ShardHints): void {
    this.#open.delete(shard);
    this.#open.add(shard);
    for (const oldest of this.#open) {
      if (this.#open.size <= openQueuesMax) return;
      this.#open.delete(oldest);
      this.#letGo(oldest.queue).catch((error: unknown) => {
        this.#onFailure(oldest, error);
      });
    }
  }

  forget(shard: ShardHints): void {
    this.#open.delete(shard);
  }
}
