import { DbError, isDbError } from '../../base/errors.ts';
import type { Clock, Timer } from '../../env/clock.ts';

/** Tells a handler when nobody waits any more: the caller has gone, or its deadline has passed. */
export class Caller {
  readonly #controller = new AbortController();
  readonly #timer: Timer | undefined;
  #isSettled = false;

  constructor(clock: Clock, deadlineMs: number | undefined) {
    if (deadlineMs === undefined) return;
    this.#timer = clock.after(deadlineMs, () => {
      this.#abort(new DbError('timeout', 'the deadline of the request has passed'));
    });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /**
   * What it is told of an error of its handler: past its deadline that alone, as a handler that was told of it may say anything, and
   * its own clock may be a little behind this one.
   */
  told(error: unknown): unknown {
    const reason: unknown = this.signal.reason;
    return isDbError(reason, 'timeout') ? reason : error;
  }

  gone(): void {
    // Most have their answer by then, and an error takes longer to make than the rest of this.
    if (!this.#isSettled) this.#abort(new DbError('cancelled', 'the caller is gone'));
  }

  settle(): void {
    this.#isSettled = true;
    this.#timer?.cancel();
  }

  #abort(error: DbError): void {
    this.#timer?.cancel();
    this.#controller.abort(error);
  }
}
