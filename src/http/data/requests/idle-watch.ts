import type { Clock, Timer } from '../../../env/clock.ts';

interface Watched {
  readonly measure: () => number;
  readonly onIdle: () => void;
  before: number | undefined;
}

/** Looks at all that makes progress with one timer, which runs while there is something to look at. */
export class IdleWatch {
  readonly #clock: Clock;
  readonly #idleMs: number;
  readonly #all = new Set<Watched>();
  #timer: Timer | undefined;

  constructor(clock: Clock, idleMs: number) {
    this.#clock = clock;
    this.#idleMs = idleMs;
  }

  /** Calls `onIdle` once the measure has not grown for `idleMs`, twice that at the most, and again as long as it does not. */
  add(measure: () => number, onIdle: () => void): Timer {
    const watched = { measure, onIdle, before: undefined };
    this.#all.add(watched);
    this.#timer ??= this.#clock.every(this.#idleMs, () => {
      this.#look();
    });
    return { cancel: () => void this.#all.delete(watched) };
  }

  #look(): void {
    if (this.#all.size === 0) {
      this.#timer?.cancel();
      this.#timer = undefined;
    }
    for (const watched of this.#all) {
      const now = watched.measure();
      const isIdle = now === watched.before;
      watched.before = now;
      if (isIdle) watched.onIdle();
    }
  }
}
