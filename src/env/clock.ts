/**
 * Time. Storage never reads a clock; whoever does takes it from here, so that the simulation owns it.
 */
export interface Clock {
  /**
   * Wall time in nanoseconds since 1970; strictly increasing, but where the clock of the machine is put back by a second or more.
   */
  wallNs(): bigint;
  /** Milliseconds of a clock that never goes back; only differences mean something. */
  monotonicMs(): number;
  /** Resolves after `durationMs`; with a signal, rejects with the signal's reason when it aborts first. */
  sleep(durationMs: number, signal?: AbortSignal): Promise<void>;
  /** Runs `run` once after `durationMs` unless cancelled. */
  after(durationMs: number, run: () => void): Timer;
  /** Runs `run` each `periodMs` until cancelled; a slow run does not pile up. */
  every(periodMs: number, run: () => void): Timer;
}

export interface Timer {
  cancel(): void;
}
