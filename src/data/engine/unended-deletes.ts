/**
 * Deletes of points that the disk has failed: of a shard that has begun one, the rest is asked for until it is done. Whoever sent it was
 * told that it failed, and its points show until then. The files that it goes through are compacted behind it.
 *
 * Not here: deletes of a run before, which are ended as their shards are opened.
 */
import { Tasks } from '../../base/async/tasks.ts';
import { DoublingPause } from '../../base/doubling-pause.ts';
import { errorText } from '../../base/errors.ts';
import type { Clock, Timer } from '../../env/clock.ts';
import type { Log } from '../../env/log.ts';

export interface UnendedDeletesPorts {
  readonly clock: Pick<Clock, 'every' | 'monotonicMs'>;
  readonly log: Log;
  readonly shards: {
    watchDeletes(failed: (shardIds: readonly number[]) => void): void;
    /** Resolves once nothing is left of a delete that the shard has begun. Throws what the disk says. */
    endDelete(shardId: number): Promise<void>;
  };
}

const lookMs = 1_000;
const pause = { firstMs: 1_000, mostMs: 60_000 };

export class UnendedDeletes {
  readonly #ports: UnendedDeletesPorts;
  readonly #shardIds = new Set<number>();
  readonly #pause = new DoublingPause(pause);
  readonly #timer: Timer;
  readonly #tasks: Tasks;
  #isEnding = false;

  constructor(ports: UnendedDeletesPorts) {
    this.#ports = ports;
    const { clock, log, shards } = ports;
    this.#tasks = new Tasks((name, error) => {
      log.error('A task of the shards failed', { name, error: errorText(error) });
    });
    shards.watchDeletes((shardIds) => {
      for (const shardId of shardIds) this.#shardIds.add(shardId);
    });
    this.#timer = clock.every(lookMs, () => {
      if (this.#shardIds.size > 0) this.#tasks.spawn('end deletes', this.#end());
    });
  }

  async close(): Promise<void> {
    this.#timer.cancel();
    await this.#tasks.settled();
  }

  async #end(): Promise<void> {
    const { clock } = this.#ports;
    if (this.#isEnding || this.#pause.lasts(clock.monotonicMs())) return;
    this.#isEnding = true;
    try {
      let hasFailed = false;
      for (const shardId of [...this.#shardIds])
        if (!(await this.#isEnded(shardId))) hasFailed = true;
      if (hasFailed) this.#pause.failed(clock.monotonicMs());
      else this.#pause.succeeded();
    } finally {
      this.#isEnding = false;
    }
  }

  async #isEnded(shardId: number): Promise<boolean> {
    const { log, shards } = this.#ports;
    // What fails meanwhile is noted anew.
    this.#shardIds.delete(shardId);
    try {
      await shards.endDelete(shardId);
      return true;
    } catch (error) {
      this.#shardIds.add(shardId);
      log.warn('A delete that failed could not be ended yet', { shard: shardId, error: errorText(error) }); // prettier-ignore
      return false;
    }
  }
}
