/**
 * How long flushes that nobody waits for rest once they have failed: each shard by itself, and all of them when one after the
 * other fails, since it is the disk then. Pauses double up to `pauseMostMs`, and end with the first flush that succeeds.
 */
import { DoublingPause } from '../../../base/doubling-pause.ts';
import type { OpenShard } from '../shards/open-shards.ts';

const pauseFirstMs = 1_000;
/** Room that comes back is used within it. */
export const pauseMostMs = 32_000;
/** So many failures in a row are not of one shard. */
export const failuresInARow = 8;

const lengths = { firstMs: pauseFirstMs, mostMs: pauseMostMs };

export class FlushPauses {
  readonly #shards = new WeakMap<OpenShard, DoublingPause>();
  readonly #all = new DoublingPause(lengths);
  #failedInARow = 0;

  /** Whether no shard is to be tried. */
  isPaused(nowMs: number): boolean {
    return this.#all.lasts(nowMs);
  }

  isPausedFor(open: OpenShard, nowMs: number): boolean {
    return this.#shards.get(open)?.lasts(nowMs) === true;
  }

  failed(open: OpenShard, nowMs: number): void {
    const pause = this.#shards.get(open) ?? new DoublingPause(lengths);
    this.#shards.set(open, pause);
    pause.failed(nowMs);
    this.#failedInARow++;
    if (this.#failedInARow % failuresInARow === 0) this.#all.failed(nowMs);
  }

  succeeded(open: OpenShard): void {
    this.#shards.delete(open);
    this.#failedInARow = 0;
    this.#all.succeeded();
  }
}
