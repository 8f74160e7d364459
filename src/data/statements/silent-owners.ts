import type { Clock } from '../../env/clock.ts';
import { isAway } from '../shards/choose-owners.ts';
import { FailedOwners } from '../shards/failed-owners.ts';
import { NodeFailure } from '../shards/node-failure.ts';

/** A node that says at once that it cannot may be asked again: it may be able to answer in another way. */
const waitedMsMin = 1_000;

/** Owners that a request has waited for in vain while it was tried one way: they are not waited for again when it goes another. */
export class SilentOwners {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #ofRequest = new WeakMap<AbortSignal, FailedOwners>();

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock;
  }

  /** `signal` is the request's, which it has alone. */
  of(signal: AbortSignal): FailedOwners | undefined {
    return this.#ofRequest.get(signal);
  }

  note(signal: AbortSignal, error: unknown, askedMs: number): void {
    if (!(error instanceof NodeFailure) || !isAway(error.cause)) return;
    if (this.#clock.monotonicMs() - askedMs < waitedMsMin) return;
    const failed = this.of(signal) ?? new FailedOwners();
    failed.add(error.nodeId, error.cause);
    this.#ofRequest.set(signal, failed);
  }
}
