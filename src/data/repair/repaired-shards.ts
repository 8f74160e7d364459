/** Which shards this node has made equal on all their owners of late: nodes ask for it that know of something an owner lacked. */
import type { Clock } from '../../env/clock.ts';
import { repairedShardsMax, type RepairedShard } from '../../meta/client/hint-news-method.ts';

export class RepairedShards {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  /** When the repair began; the oldest first. */
  readonly #beganMs = new Map<number, number>();

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock;
  }

  /** All owners have the same of the shard, by a repair that began then. */
  note(shardId: number, beganMs: number): void {
    this.#beganMs.delete(shardId);
    this.#beganMs.set(shardId, beganMs);
    const [oldest] = this.#beganMs.keys();
    if (oldest !== undefined && this.#beganMs.size > repairedShardsMax)
      this.#beganMs.delete(oldest);
  }

  get recent(): readonly RepairedShard[] {
    const nowMs = this.#clock.monotonicMs();
    return Array.from(this.#beganMs, ([shardId, beganMs]) => ({ shardId, beganMsAgo: Math.ceil(nowMs - beganMs) })); // prettier-ignore
  }
}
