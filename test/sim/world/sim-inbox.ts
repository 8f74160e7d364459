import { Latch } from '../../../src/base/async/latch.ts';
import type { DbError } from '../../../src/base/errors.ts';

/** The client's end of a stream. */
export class Inbox {
  readonly #items: Uint8Array[] = [];
  #changed = new Latch<undefined>();
  #isEnded = false;
  #error: DbError | undefined;
  /** Sent and not yet consumed. */
  inFlight = 0;

  get changed(): Promise<undefined> {
    return this.#changed.promise;
  }

  push(item: Uint8Array): void {
    if (this.#isEnded) return;
    this.#items.push(item);
    this.#wake();
  }

  end(): void {
    this.#isEnded = true;
    this.#wake();
  }

  /** `now` drops what has arrived but was not read. */
  fail(error: DbError, now = false): void {
    if (this.#isEnded && !now) return;
    if (now) this.#items.length = 0;
    this.#error ??= error;
    this.end();
  }

  stop(): void {
    this.#items.length = 0;
    this.end();
  }

  async take(): Promise<Uint8Array | undefined> {
    for (;;) {
      const item = this.#items.shift();
      if (item !== undefined) {
        this.inFlight--;
        this.#wake();
        return item;
      }
      if (this.#error !== undefined) throw this.#error;
      if (this.#isEnded) return undefined;
      await this.#changed.promise;
    }
  }

  #wake(): void {
    this.#changed.open(undefined);
    this.#changed = new Latch();
  }
}
