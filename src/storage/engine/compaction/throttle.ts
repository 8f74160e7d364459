/** Lets bytes pass at a rate, with a burst; a rate of 0 lets all pass (`compact-throughput`, `compact-throughput-burst`). */
import type { Clock } from '../../../env/clock.ts';

export class Throttle {
  readonly #clock: Clock;
  readonly #bytesPerMs: number;
  readonly #burstBytes: number;
  #roomBytes: number;
  #atMs: number;

  constructor(
    { clock }: { readonly clock: Clock },
    options: { readonly bytesPerSecond: number; readonly burstBytes: number },
  ) {
    this.#clock = clock;
    this.#bytesPerMs = options.bytesPerSecond / 1_000;
    this.#burstBytes = Math.max(options.burstBytes, options.bytesPerSecond);
    this.#roomBytes = this.#burstBytes;
    this.#atMs = clock.monotonicMs();
  }

  /**
   * Resolves when so many bytes may pass: at once while there is room, which may go below nothing once. Whoever does not wait until
   * then, by the signal, has taken them all the same.
   */
  async take(lengthBytes: number, signal?: AbortSignal): Promise<void> {
    if (this.#bytesPerMs === 0) return;
    this.#refill();
    this.#roomBytes -= lengthBytes;
    if (this.#roomBytes >= 0) return;
    await this.#clock.sleep(-this.#roomBytes / this.#bytesPerMs, signal);
  }

  #refill(): void {
    const nowMs = this.#clock.monotonicMs();
    const refilled = this.#roomBytes + (nowMs - this.#atMs) * this.#bytesPerMs;
    this.#roomBytes = Math.min(this.#burstBytes, refilled);
    this.#atMs = nowMs;
  }
}
