import type { Clock, Timer } from '../../../src/env/clock.ts';
import { sleepBy } from '../../../src/env/sleep.ts';
import type { Life, Loop } from './loop.ts';

/** World time 0 is the start of 2026. */
const epochNs = 1_767_225_600_000_000_000n;
const waitedOutNs = 1_000_000_000n;

/** The clock chip of a machine: outlives its processes. */
export class SimClockChip {
  readonly #loop: Loop;
  readonly #node: string;
  /** Rate against world time. */
  readonly rate: number;
  #skewMs: number;

  constructor(
    loop: Loop,
    node: string,
    options: { readonly skewMs: number; readonly driftPpm: number },
  ) {
    this.#loop = loop;
    this.#node = node;
    this.#skewMs = options.skewMs;
    this.rate = 1 + options.driftPpm / 1e6;
  }

  /** Steps the wall clock; the monotonic one does not notice. */
  jump(byMs: number): void {
    this.#skewMs += byMs;
    this.#loop.strike('clock_jump', `${this.#node} ${byMs.toFixed(3)}`);
  }

  wallNs(): bigint {
    return epochNs + BigInt(Math.round((this.#loop.nowMs * this.rate + this.#skewMs) * 1e6));
  }
}

export class SimClock implements Clock {
  readonly #loop: Loop;
  readonly #life: Life;
  readonly #chip: SimClockChip;
  readonly #startMs: number;
  #lastNs = 0n;

  constructor(loop: Loop, life: Life, chip: SimClockChip) {
    this.#loop = loop;
    this.#life = life;
    this.#chip = chip;
    this.#startMs = loop.nowMs;
  }

  wallNs(): bigint {
    const nowNs = this.#chip.wallNs();
    const backNs = this.#lastNs - nowNs;
    // As of the real one (env/node/node-clock.ts).
    this.#lastNs = backNs >= 0n && backNs < waitedOutNs ? this.#lastNs + 1n : nowNs;
    return this.#lastNs;
  }

  monotonicMs(): number {
    return (this.#loop.nowMs - this.#startMs) * this.#chip.rate;
  }

  sleep(durationMs: number, signal?: AbortSignal): Promise<void> {
    return sleepBy(this, durationMs, signal);
  }

  after(durationMs: number, run: () => void): Timer {
    return this.#loop.schedule(Math.max(0, durationMs) / this.#chip.rate, () => {
      if (this.#life.alive) run();
    });
  }

  /** Like setInterval, a period is at least 1 ms, so that no program can stop world time. */
  every(periodMs: number, run: () => void): Timer {
    const stepMs = Math.max(1, periodMs);
    const again = (): void => {
      timer = this.after(stepMs, again);
      run();
    };
    let timer = this.after(stepMs, again);
    return {
      cancel: (): void => {
        timer.cancel();
      },
    };
  }
}
