import { DbError } from '../../base/errors.ts';
import { Slices, type SlicePorts } from '../../env/slices.ts';

/** What a running query owes to everyone else: it stops when told to, and lets others run. */
export interface PacerPorts extends SlicePorts {
  readonly signal: Pick<AbortSignal, 'aborted' | 'reason'>;
}

export class Pacer {
  readonly #signal: PacerPorts['signal'];
  readonly #slices: Slices;

  constructor(ports: PacerPorts) {
    this.#signal = ports.signal;
    this.#slices = new Slices(ports);
  }

  get isDue(): boolean {
    return this.#slices.isDue;
  }

  /** Called after each small piece of work. Throws the reason once the query was killed or its client is gone. */
  async pause(): Promise<void> {
    this.check();
    if (await this.#slices.next()) this.check();
  }

  /** Others were let run: the next slice begins. Waiting is no work that anybody should rest from. */
  waited(): void {
    this.#slices.begin();
  }

  /** The same as pause() for whoever gives promises out instead of awaiting them: undefined when there is nothing to wait for. */
  rest(): Promise<void> | undefined {
    this.check();
    return this.isDue ? this.pause() : undefined;
  }

  check(): void {
    if (!this.#signal.aborted) return;
    const reason: unknown = this.#signal.reason;
    throw reason instanceof Error ? reason : new DbError('cancelled', 'query interrupted');
  }
}
