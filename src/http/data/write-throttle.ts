import { DbError } from '../../base/errors.ts';
import type { Clock, Timer } from '../../env/clock.ts';

export interface WriteThrottleOptions {
  /** Requests at work at once; 0 is no limit. */
  readonly concurrentMax: number;
  /** Requests that may wait; 0 is no limit. */
  readonly enqueuedMax: number;
  readonly enqueuedTimeoutMs: number;
  /** Bytes of all bodies at work at once. A single larger body is let in alone. */
  readonly bytesMax: number;
}

interface Waiting {
  readonly lengthBytes: number;
  readonly enter: () => void;
  readonly timer: Timer;
}

/** Lets writes in, in order, as long as their number and bytes stay within limits (spec F52). */
export class WriteThrottle {
  readonly #clock: Clock;
  readonly #options: WriteThrottleOptions;
  readonly #waiting: Waiting[] = [];
  #count = 0;
  #bytes = 0;

  constructor(clock: Clock, options: WriteThrottleOptions) {
    this.#clock = clock;
    this.#options = options;
  }

  /** Resolves once the write may go on, with what ends it. Throws `queue_full` with the reference's texts. */
  async enter(lengthBytes: number): Promise<() => void> {
    if (this.#waiting.length > 0 || !this.#fits(lengthBytes)) await this.#wait(lengthBytes);
    else this.#take(lengthBytes);
    let left = false;
    return () => {
      if (left) return;
      left = true;
      this.#count--;
      this.#bytes -= lengthBytes;
      this.#admit();
    };
  }

  #wait(lengthBytes: number): Promise<void> {
    const { enqueuedMax, enqueuedTimeoutMs } = this.#options;
    if (enqueuedMax > 0 && this.#waiting.length >= enqueuedMax)
      throw new DbError('queue_full', 'request throttled, queue full');
    return new Promise((resolve, reject) => {
      const timer = this.#clock.after(enqueuedTimeoutMs, () => {
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
        reject(new DbError('queue_full', 'request throttled, exceeds timeout'));
        this.#admit();
      });
      const waiting = { lengthBytes, enter: resolve, timer };
      this.#waiting.push(waiting);
    });
  }

  #admit(): void {
    for (;;) {
      const [next] = this.#waiting;
      if (next === undefined || !this.#fits(next.lengthBytes)) return;
      this.#waiting.shift();
      next.timer.cancel();
      this.#take(next.lengthBytes);
      next.enter();
    }
  }

  #fits(lengthBytes: number): boolean {
    const { concurrentMax, bytesMax } = this.#options;
    if (concurrentMax > 0 && this.#count >= concurrentMax) return false;
    return this.#count === 0 || this.#bytes + lengthBytes <= bytesMax;
  }

  #take(lengthBytes: number): void {
    this.#count++;
    this.#bytes += lengthBytes;
  }
}
