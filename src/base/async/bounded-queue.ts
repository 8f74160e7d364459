import { assert } from '../assert.ts';
import { Latch } from './latch.ts';

/**
 * A first-in, first-out queue between one or more producers and consumers, with a limit.
 * After end() or fail() the consumers get what is left, then the end or the error.
 */
export class BoundedQueue<T> {
  readonly #itemsMax: number;
  readonly #items: T[] = [];
  readonly #takers: Latch<T | undefined>[] = [];
  #ended = false;
  #error: unknown;

  constructor(itemsMax: number) {
    assert(itemsMax > 0, 'a queue holds at least one item');
    this.#itemsMax = itemsMax;
  }

  get size(): number {
    return this.#items.length;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** False when full or ended: the item was not taken. */
  tryPush(item: T): boolean {
    if (this.#ended) return false;
    const taker = this.#takers.shift();
    if (taker !== undefined) {
      taker.open(item);
      return true;
    }
    if (this.#items.length >= this.#itemsMax) return false;
    this.#items.push(item);
    return true;
  }

  /** The next item; undefined once the queue has ended and is empty. */
  async take(): Promise<T | undefined> {
    const item = this.#items.shift();
    if (item !== undefined) return item;
    if (this.#error !== undefined) throw this.#error as Error;
    if (this.#ended) return undefined;
    const taker = new Latch<T | undefined>();
    this.#takers.push(taker);
    return taker.promise;
  }

  end(): void {
    this.#ended = true;
    for (const taker of this.#takers.splice(0)) taker.open(undefined);
  }

  fail(error: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#error = error;
    for (const taker of this.#takers.splice(0)) taker.fail(error);
  }
}
