/**
 * Tells how long hints wait though the clock of the machine may be wrong for a while: what is dropped for its age may be nowhere else.
 *
 * Invariants:
 * - Beside wall time stands the time that it was when this run began and what has passed since, which no step of the clock changes. Hints are
 *   queued at the later of the two, and are as old as the earlier of the two says: a step drops nothing.
 *
 * Not here: a clock that is ahead from the start of a run until its first purge.
 */
import type { Clock } from '../env/clock.ts';

export class HintClock {
  readonly #clock: Pick<Clock, 'wallNs' | 'monotonicMs'>;
  readonly #startNs: bigint;
  readonly #startMs: number;

  constructor(clock: Pick<Clock, 'wallNs' | 'monotonicMs'>) {
    this.#clock = clock;
    this.#startNs = clock.wallNs();
    this.#startMs = clock.monotonicMs();
  }

  /** When what comes now is queued. */
  get queuedAtNs(): bigint {
    const [wallNs, steadyNs] = this.#times();
    return wallNs > steadyNs ? wallNs : steadyNs;
  }

  /** By which hints are as old as they are at least. */
  get agedAtNs(): bigint {
    const [wallNs, steadyNs] = this.#times();
    return wallNs < steadyNs ? wallNs : steadyNs;
  }

  #times(): readonly [wallNs: bigint, steadyNs: bigint] {
    const passedNs = BigInt(Math.round((this.#clock.monotonicMs() - this.#startMs) * 1e6));
    return [this.#clock.wallNs(), this.#startNs + passedNs];
  }
}
