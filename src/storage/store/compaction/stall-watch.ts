/**
 * Tells of compactions that do not move: nothing was read or written for long, as a disk hangs or a file is never done. A
 * shard whose files are not compacted any more is read slower every day, and nobody is told by an error.
 *
 * Invariants:
 * - a compaction is told of once until it moves again, and then that it does;
 * - what is watched are compactions at work, a few at a time.
 */
import type { Clock } from '../../../env/clock.ts';
import type { Log } from '../../../env/log.ts';
import type { OpenShard } from '../shards/open-shards.ts';

/** A slice of the work takes milliseconds, waiting for the throttle some seconds. */
export const stalledAfterMs = 60_000;

interface Watched {
  movedMs: number;
  isStalled: boolean;
}

export class StallWatch {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #watched = new Map<OpenShard, Watched>();

  constructor({ clock, log }: { readonly clock: Clock; readonly log: Log }) {
    this.#clock = clock;
    this.#log = log;
  }

  /** Watches a shard while `run` is at work on it. */
  async during<T>(open: OpenShard, run: () => Promise<T>): Promise<T> {
    this.#watched.set(open, { movedMs: this.#clock.monotonicMs(), isStalled: false });
    try {
      return await run();
    } finally {
      this.moved(open);
      this.#watched.delete(open);
    }
  }

  /** The compaction of the shard goes on. */
  moved(open: OpenShard): void {
    const watched = this.#watched.get(open);
    if (watched === undefined) return;
    const nowMs = this.#clock.monotonicMs();
    if (watched.isStalled)
      this.#log.info('TSM compaction goes on', { shard: open.place.shardId, ms: nowMs - watched.movedMs }); // prettier-ignore
    watched.movedMs = nowMs;
    watched.isStalled = false;
  }

  /** From time to time. */
  look(): void {
    const nowMs = this.#clock.monotonicMs();
    for (const [open, watched] of this.#watched) {
      const ms = nowMs - watched.movedMs;
      if (watched.isStalled || ms < stalledAfterMs) continue;
      watched.isStalled = true;
      open.work.countStall();
      this.#log.warn('TSM compaction has stalled', { shard: open.place.shardId, ms });
    }
  }
}
