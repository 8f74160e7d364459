/**
 * Resets of the streams to one peer, no faster than it takes them: nghttp2 closes a session, with every call in it, that
 * resets more streams than a burst and so many a second (its answer to CVE-2023-44487).
 * - A stream that has ended is never reset.
 * - All wait a moment, and those that are early longer: the stream may end by itself meanwhile, as that of a call does whose
 *   only reply has come and whose trailers are on their way.
 */
import type { Clock, Timer } from '../../env/clock.ts';

/** What a listener of ours takes (grpc-listener.ts); nghttp2 by itself takes a tenth and less. */
export const peerBurstMax = 10_000;
export const peerResetsPerSecond = 1_000;
/** A half of it, for resets that are on their way and those that the library makes by itself. */
const burstMax = peerBurstMax / 2;
const resetsPerSecond = peerResetsPerSecond / 2;
/** How often those that wait are looked at; what still comes until then is thrown away. */
const workMs = 20;

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

  /** Resets `call` soon, or as soon as the pace allows, unless it has ended by then. */
  add(call: Resettable): void {
    if (call.hasEnded) return;
    this.#waiting.push(call);
    this.#timer ??= this.#workLater();
  }

  /** Lets all go that wait: their connection ends. */
  close(): void {
    this.#timer?.cancel();
    this.#waiting.length = 0;
  }

  #work(): void {
    this.#timer = undefined;
    this.#earn();
    const rest = this.#waiting.splice(0).filter(({ hasEnded }) => !hasEnded);
    const due = rest.splice(0, Math.floor(this.#credit));
    this.#credit -= due.length;
    for (const call of due) call.reset();
    this.#waiting.push(...rest);
    if (rest.length > 0) this.#timer = this.#workLater();
  }

  #workLater(): Timer {
    return this.#clock.after(workMs, () => {
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
