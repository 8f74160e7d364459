import { DbError } from '../../base/errors.ts';

/** What a running query owes to everyone else: it stops when told to, and lets others run. */
export interface PacerPorts {
  readonly monotonicMs: () => number;
  /** Resolves once others have had their turn. */
  readonly turn: () => Promise<void>;
  readonly signal: AbortSignal;
}

/** A query lets others run after so long. */
const sliceMs = 5;

export class Pacer {
  readonly #ports: PacerPorts;
  #sliceStartMs: number;

  constructor(ports: PacerPorts) {
    this.#ports = ports;
    this.#sliceStartMs = ports.monotonicMs();
  }

  get isDue(): boolean {
    return this.#ports.monotonicMs() - this.#sliceStartMs >= sliceMs;
  }

  /** Called after each small piece of work. Throws the reason once the query was killed or its client is gone. */
  async pause(): Promise<void> {
    this.check();
    if (!this.isDue) return;
    await this.#ports.turn();
    this.#sliceStartMs = this.#ports.monotonicMs();
    this.check();
  }

  check(): void {
    const { signal } = this.#ports;
    if (!signal.aborted) return;
    const reason: unknown = signal.reason;
    throw reason instanceof Error ? reason : new DbError('cancelled', 'query interrupted');
  }
}
