/**
 * By which catalog those batches of hinted handoff were routed that were routed by a later one than the oldest of their queue, which is
 * not known at all of what an earlier run has left. An owner passes a batch on to whoever joined since (decision 24): by the oldest it
 * would do so once more with each that another owner has passed on to it, and where queues wait both ways these would never end.
 *
 * Of memory alone, and bounded: one that is not remembered is as old as its queue.
 */
import { crc32 } from 'node:zlib';
import { stampOfBatch } from '../../models/stamp.ts';
import type { ShardBatch } from '../engine/shard-access.ts';

type RoutedBatch = Pick<ShardBatch, 'payload' | 'catalogIndex'>;

/** Of all queues together. */
const rememberedMax = 65_536;

export class RoutedHints {
  /** By queue, then by batch. */
  readonly #indexes = new Map<string, Map<string, number>>();
  readonly #countMax: number;
  #count = 0;

  constructor(countMax = rememberedMax) {
    this.#countMax = countMax;
  }

  /** A batch is about to wait in a queue whose oldest is of `oldestIndex`. */
  note(queue: string, oldestIndex: number, { payload, catalogIndex = 0 }: RoutedBatch): void {
    if (catalogIndex <= oldestIndex || this.#count >= this.#countMax) return;
    const indexes = this.#indexes.get(queue) ?? new Map<string, number>();
    this.#indexes.set(queue, indexes);
    const name = nameOf(payload);
    if (!indexes.has(name)) this.#count++;
    indexes.set(name, Math.max(indexes.get(name) ?? 0, catalogIndex));
  }

  /** Undefined for one that may be as old as any of its queue. */
  indexOf(queue: string, payload: Uint8Array): number | undefined {
    const indexes = this.#indexes.get(queue);
    return indexes?.get(nameOf(payload));
  }

  /** The queue is empty, or nobody's any more. */
  forget(queue: string): void {
    this.#count -= this.#indexes.get(queue)?.size ?? 0;
    this.#indexes.delete(queue);
  }
}

/** No two batches of a coordinator have one stamp and one content. */
function nameOf(payload: Uint8Array): string {
  return `${stampOfBatch(payload)} ${crc32(payload)}`;
}
