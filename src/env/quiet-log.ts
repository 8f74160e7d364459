/** Says what comes by the thousand without a line for each: of one kind a line in so much time, with how many were left out. */
import type { Clock } from './clock.ts';

interface Said {
  readonly atMs: number;
  /** Since then. */
  leftOut: number;
}

export class QuietLog {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #quietMs: number;
  /** By kind: callers have few. */
  readonly #said = new Map<string | number, Said>();

  constructor(clock: Pick<Clock, 'monotonicMs'>, quietMs: number) {
    this.#clock = clock;
    this.#quietMs = quietMs;
  }

  /** `write` gets a field that says how many were left out, if any were. */
  say(kind: string | number, write: (others: { readonly leftOut?: number }) => void): void {
    const nowMs = this.#clock.monotonicMs();
    const said = this.#said.get(kind);
    if (said !== undefined && nowMs - said.atMs < this.#quietMs) {
      said.leftOut++;
      return;
    }
    write(said !== undefined && said.leftOut > 0 ? { leftOut: said.leftOut } : {});
    this.#said.set(kind, { atMs: nowMs, leftOut: 0 });
  }
}
