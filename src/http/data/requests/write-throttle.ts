import { DbError } from '../../../base/errors.ts';
import type { Clock, Timer } from '../../../env/clock.ts';

export interface WriteThrottleOptions {
  /** Requests at work at once; 0 is no limit. */
  readonly concurrentMax: number;
  /** Requests that may wait; 0 is no limit. */
  readonly enqueuedMax: number;
  /** 0: however long it takes. */
  readonly enqueuedTimeoutMs: number;
}

interface Waiting {
  readonly enter: () => void;
  readonly timer: Timer | undefined;
}

/** Lets writes in, in order, as long as their number stays within limits (spec F52). */
export class WriteThrottle {
  readonly #clock: Clock;
  readonly #options: WriteThrottleOptions;
  readonly #waiting: Waiting[] = [];
  #count = 0;

  constructor(clock: Clock, options: WriteThrottleOptions) {
    this.#clock = clock;
    this.#options = options;
  }

  /** What ends a write that may go on at once; undefined for one that has to wait. */
  tryEnter(): (() => void) | undefined {
    if (this.#waiting.length > 0 || !this.#fits()) return undefined;
    this.#count++;
    return this.#leaver();
  }

  /**
   * Resolves once the write may go on, with what ends it. Throws `queue_full` with the reference's texts, or when `signal`
   * tells that the client is gone.
   */
  async enter(signal?: AbortSignal): Promise<() => void> {
    const left = this.tryEnter();
    if (left !== undefined) return left;
    await this.#wait(signal);
    return this.#leaver();
  }

  #leaver(): () => void {
    let left = false;
    return () => {
      if (left) return;
      left = true;
      this.#count--;
      this.#admit();
    };
  }

  #wait(signal: AbortSignal | undefined): Promise<void> {
    const { enqueuedMax, enqueuedTimeoutMs } = this.#options;
    if (enqueuedMax > 0 && this.#waiting.length >= enqueuedMax)
      throw new DbError('queue_full', 'request throttled, queue full');
    return new Promise((resolve, reject) => {
      const leave = (text: string): void => {
        const at = this.#waiting.indexOf(waiting);
        if (at < 0) return;
        this.#waiting.splice(at, 1);
        timer?.cancel();
        reject(new DbError('queue_full', text));
      };
      const timer =
        enqueuedTimeoutMs > 0
          ? this.#clock.after(enqueuedTimeoutMs, () => {
              leave('request throttled, exceeds timeout');
            })
          : undefined;
      signal?.addEventListener('abort', () => {
        leave('request throttled, the client has left');
      });
      const waiting = { enter: resolve, timer };
      this.#waiting.push(waiting);
    });
  }

  #admit(): void {
    for (;;) {
      const [next] = this.#waiting;
      if (next === undefined || !this.#fits()) return;
      this.#waiting.shift();
      next.timer?.cancel();
      this.#count++;
      next.enter();
    }
  }

  #fits(): boolean {
    const { concurrentMax } = this.#options;
    return concurrentMax === 0 || this.#count < concurrentMax;
  }
}
