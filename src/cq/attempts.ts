/**
 * Runs that failed for what may pass: when each query is tried again, and over how many of the windows that it has missed.
 *
 * Invariants:
 * - What is too much for one run is run in parts: with each failure of that kind the next run makes up for a quarter of the
 *   windows, down to the one that is due. After some that went well it makes up for more again: owners that stood still for a day
 *   end runs alike, and are no reason for a run for each window of it.
 * - A window that is refused alone, again and again for `refusedMsMax`, is given up, as it would hold up all that follow.
 */
import { isDbError, type DbErrorCode } from '../base/errors.ts';
import { hourMs, minuteMs, secondMs } from '../base/units.ts';
import type { Clock } from '../env/clock.ts';

/** A run makes up for so many windows at most: answers stay small, and other queries have their turn. */
export const windowsMax = 1_000;
const narrowing = 4;
/** One in so many may fail for being too much. */
const wellUntilMore = 8;
const pauseMsMax = minuteMs;
/** Other queries that hold memory, or all places there are, have ended by then. */
const refusedMsMax = hourMs;
/** What fewer windows may not meet, and what of it no later attempt is likely to change. */
const narrowingCodes: readonly DbErrorCode[] = ['limit_exceeded', 'timeout', 'internal'];
const refusingCodes: readonly DbErrorCode[] = ['limit_exceeded', 'internal'];

interface Attempt {
  readonly failureCount: number;
  readonly notBeforeMs: number;
  /** Windows of the next run; none but the one that is due with 0. */
  readonly windowsMax: number;
  /** Runs of so many windows that went well. */
  readonly wellCount: number;
  /** Since when each failure was a refusal. */
  readonly refusedSinceMs: number | undefined;
}

const untried: Attempt = { failureCount: 0, notBeforeMs: 0, windowsMax, wellCount: 0, refusedSinceMs: undefined }; // prettier-ignore

export class Attempts {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #last = new Map<string, Attempt>();

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock;
  }

  /** So many windows the next run may make up for; undefined while it has to wait. */
  next(key: string): number | undefined {
    const last = this.#last.get(key) ?? untried;
    return this.#clock.monotonicMs() < last.notBeforeMs ? undefined : last.windowsMax;
  }

  /** Nothing is due, or all that was has run. */
  caughtUp(key: string): void {
    this.#last.delete(key);
  }

  /** It has run, and more is due. */
  ran(key: string): void {
    const last = this.#last.get(key);
    if (last === undefined) return;
    const wellCount = last.wellCount + 1;
    const more = Math.min(windowsMax, Math.max(1, last.windowsMax * narrowing));
    const next = wellCount < wellUntilMore ? { windowsMax: last.windowsMax, wellCount } : { windowsMax: more }; // prettier-ignore
    this.#last.set(key, { ...untried, ...next });
  }

  /** True when what was tried is to be given up. */
  failed(key: string, error: unknown): boolean {
    const nowMs = this.#clock.monotonicMs();
    const last = this.#last.get(key) ?? untried;
    const isOf = (codes: readonly DbErrorCode[]): boolean =>
      !isDbError(error) || codes.includes(error.code);
    const failureCount = last.failureCount + 1;
    const refusedSinceMs = isOf(refusingCodes) ? (last.refusedSinceMs ?? nowMs) : undefined;
    const isGivenUp =
      refusedSinceMs !== undefined && last.windowsMax === 0 && nowMs - refusedSinceMs >= refusedMsMax; // prettier-ignore
    const pauseMs = Math.min(secondMs * 2 ** Math.min(last.failureCount, 16), pauseMsMax);
    this.#last.set(key, {
      failureCount,
      notBeforeMs: isGivenUp ? nowMs : nowMs + pauseMs,
      windowsMax: isOf(narrowingCodes) ? Math.floor(last.windowsMax / narrowing) : last.windowsMax,
      wellCount: 0,
      refusedSinceMs,
    });
    return isGivenUp;
  }

  /** Forgets all others. */
  keep(keys: ReadonlySet<string>): void {
    for (const key of this.#last.keys()) if (!keys.has(key)) this.#last.delete(key);
  }

  get size(): number {
    return this.#last.size;
  }
}
