/**
 * Resets of the streams to one peer, no faster than its HTTP/2 library takes them: nghttp2 closes a session, with every
 * call in it, that resets more than 1,000 streams at once and 33 a second (its answer to CVE-2023-44487).
 * - A stream that has ended is never reset.
 * - A reset that is early waits; the stream may end by itself meanwhile.
 */
import type { Clock, Timer } from '../../env/clock.ts';

/** A half of what the peer takes, for resets that are on their way and those that its library makes by itself. */
const burstMax = 500;
const resetsPerSecond = 16;

/** Something that can be reset; reset() does nothing once it has ended. */
export interface Resettable {
  readonly hasEnded: boolean;
  reset(): void;
}

export class PacedResets {
  readonly #clock: Clock;
  readonly #waiting: Resettable[] = [];
  #credit = burstMax;
  #creditMs: number;
  #timer: Timer | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#creditMs = clock.monotonicMs();
  }

  /** Resets `call` now or as soon as the pace allows, unless it has ended. */
  add(call: Resettable): void {
    if (call.hasEnded) return;
    this.#waiting.push(call);
    this.#work();
  }

  /** Lets all go that wait: their connection ends. */
  close(): void {
    this.#timer?.cancel();
    this.#waiting.length = 0;
  }

  #work(): void {
    this.#timer?.cancel();
    this.#earn();
    const rest = this.#waiting.splice(0).filter(({ hasEnded }) => !hasEnded);
    const due = rest.splice(0, Math.floor(this.#credit));
    this.#credit -= due.length;
    for (const call of due) call.reset();
    this.#waiting.push(...rest);
    if (rest.length === 0) return;
    this.#timer = this.#clock.after(1_000 / resetsPerSecond, () => {
      this.#work();
    });
  }

  #earn(): void {
    const nowMs = this.#clock.monotonicMs();
    const earned = ((nowMs - this.#creditMs) * resetsPerSecond) / 1_000;
    this.#credit = Math.min(burstMax, this.#credit + earned);
    this.#creditMs = nowMs;
  }
}
