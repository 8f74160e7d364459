import type { Clock, Timer } from '../clock.ts';
import { sleepBy } from '../sleep.ts';

/** setTimeout takes at most this, and takes more for a millisecond; longer waits are made of several. */
export const timeoutMsMax = 2 ** 31 - 1;

/** A step back of the system clock by less is waited out. */
const waitedOutNs = 1_000_000_000n;

/**
 * Wall time is hrtime kept inside the millisecond that Date.now says, so that steps of the system clock are followed, also back: one
 * that was a day ahead and is put right must not stay there until the next start.
 */
export class NodeClock implements Clock {
  #offsetNs = 0n;
  #lastNs = 0n;

  wallNs(): bigint {
    const floorNs = BigInt(Date.now()) * 1_000_000n;
    const ceilingNs = floorNs + 999_999n;
    let nowNs = process.hrtime.bigint() + this.#offsetNs;
    if (nowNs < floorNs) {
      this.#offsetNs += floorNs - nowNs;
      nowNs = floorNs;
    } else if (nowNs > ceilingNs) {
      this.#offsetNs -= nowNs - ceilingNs;
      nowNs = ceilingNs;
    }
    const backNs = this.#lastNs - nowNs;
    if (backNs >= 0n && backNs < waitedOutNs) nowNs = this.#lastNs + 1n;
    this.#lastNs = nowNs;
    return nowNs;
  }

  monotonicMs(): number {
    return performance.now();
  }

  sleep(durationMs: number, signal?: AbortSignal): Promise<void> {
    // A timer is a millisecond at the least, which is long for who lets others run every 5 ms.
    if (durationMs <= 0 && signal === undefined) return new Promise((resolve) => setImmediate(resolve)); // prettier-ignore
    return sleepBy(this, durationMs, signal);
  }

  after(durationMs: number, run: () => void): Timer {
    let handle: NodeJS.Timeout;
    const start = (leftMs: number): void => {
      const stepMs = Math.min(leftMs, timeoutMsMax);
      handle = setTimeout(() => {
        if (leftMs > stepMs) start(leftMs - stepMs);
        else run();
      }, stepMs);
    };
    start(Math.max(0, durationMs));
    return {
      cancel: (): void => {
        clearTimeout(handle);
      },
    };
  }

  every(periodMs: number, run: () => void): Timer {
    const handle = setInterval(run, Math.min(periodMs, timeoutMsMax));
    return {
      cancel: (): void => {
        clearInterval(handle);
      },
    };
  }
}
