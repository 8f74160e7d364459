/**
 * Asks the metas now and then for what this node has not heard of yet: its catalog is fresh but for what the watch takes, and a client that has
 * had a database made through one node writes to it through another at once.
 *
 * Invariants:
 * - Whoever waits has all that was committed when it asked.
 * - One question is under way at a time, and they are `paceMs` apart, however many ask: clients that name databases
 *   that are not there must not keep the leader busy.
 */
import type { Clock } from '../../env/clock.ts';

export interface SettledCatalogPorts {
  readonly clock: Clock;
  /** Resolves once this node has what is committed now. */
  readonly read: () => Promise<void>;
  readonly signal: AbortSignal;
}

const paceMs = 50;

export class SettledCatalog {
  readonly #ports: SettledCatalogPorts;
  /** Not begun yet: it counts for all who ask until it does. */
  #next: Promise<void> | undefined;
  #running: Promise<unknown> = Promise.resolve();
  #startedMs = -Infinity;

  constructor(ports: SettledCatalogPorts) {
    this.#ports = ports;
  }

  settle(): Promise<void> {
    this.#next ??= this.#begin();
    return this.#next;
  }

  async #begin(): Promise<void> {
    const { clock, read, signal } = this.#ports;
    await this.#running;
    const waitMs = this.#startedMs + paceMs - clock.monotonicMs();
    try {
      if (waitMs > 0) await clock.sleep(waitMs, signal);
    } finally {
      this.#next = undefined;
    }
    this.#startedMs = clock.monotonicMs();
    const reading = read();
    this.#running = reading.catch(() => undefined);
    await reading;
  }
}
