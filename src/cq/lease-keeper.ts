/**
 * The lease of this node: asked for when there is work, renewed while there is, and lost in time.
 *
 * Invariants:
 * - What is held is held by this node's own clock of durations, from the moment it was asked for: a node that stood still
 *   finds its lease lost before it goes on.
 * - A lease that was lost and had again has another signal, and another token once somebody had it in between.
 */
import { DbError, errorText } from '../base/errors.ts';
import type { Clock, Timer } from '../env/clock.ts';
import type { Log } from '../env/log.ts';
import type { LeaseGrant } from '../meta/client/meta-access.ts';

export interface LeaseKeeperPorts {
  readonly clock: Clock;
  readonly log: Log;
  /** Undefined while another node has it. */
  readonly acquire: () => Promise<LeaseGrant | undefined>;
}

export interface HeldLease {
  readonly token: number;
  /** Aborts with `lease_lost`. */
  readonly signal: AbortSignal;
  /** Throws `lease_lost`; asked right before something that only the holder may do. */
  check(): void;
}

/** Parts of what is left of a lease: it is asked for anew after one, so that two attempts may fail. */
const renewalsPerLease = 3;

export class LeaseKeeper {
  readonly #ports: LeaseKeeperPorts;
  #held: Held | undefined;

  constructor(ports: LeaseKeeperPorts) {
    this.#ports = ports;
  }

  /** Works with the lease, renewing it; false when another node has it, or no meta node could be asked. */
  async run(work: (lease: HeldLease) => Promise<void>): Promise<boolean> {
    const { clock, log } = this.#ports;
    const now = this.#held;
    if (now?.isFresh !== true && !(await this.#ask())) return false;
    const lease = this.#held;
    if (lease === undefined) return false;
    const renewal: { timer: Timer | undefined } = { timer: undefined };
    const renew = (): void => {
      renewal.timer = clock.after(lease.durationMs / renewalsPerLease, () => {
        void this.#ask().finally(() => {
          if (renewal.timer !== undefined && !lease.signal.aborted) renew();
        });
      });
    };
    renew();
    try {
      await work(lease);
    } finally {
      renewal.timer?.cancel();
      renewal.timer = undefined;
      if (lease.signal.aborted) log.info('Lost the lease of continuous queries');
    }
    return true;
  }

  /** What is held is none any more: the node has left the cluster that granted it. */
  drop(): void {
    this.#held?.end(lost());
    this.#held = undefined;
  }

  close(): void {
    this.#held?.end(new DbError('shutdown', 'the node stops'));
    this.#held = undefined;
  }

  /** Never rejects: what could not be asked is not held. */
  async #ask(): Promise<boolean> {
    const { clock, log, acquire } = this.#ports;
    const askedMs = clock.monotonicMs();
    let grant: LeaseGrant | undefined;
    try {
      grant = await acquire();
    } catch (error) {
      log.debug('The lease of continuous queries could not be asked for', { error: errorText(error) }); // prettier-ignore
      return false;
    }
    if (grant === undefined) {
      this.drop();
      return false;
    }
    if (this.#held?.token !== grant.token || this.#held.signal.aborted) {
      this.#held?.end(lost());
      this.#held = new Held(clock, grant);
    }
    this.#held.extend(askedMs, grant.durationMs);
    return !this.#held.signal.aborted;
  }
}

class Held implements HeldLease {
  readonly token: number;
  readonly #clock: Clock;
  readonly #lost = new AbortController();
  #durationMs: number;
  #untilMs = 0;
  #timer: Timer | undefined;

  constructor(clock: Clock, { token, durationMs }: LeaseGrant) {
    this.#clock = clock;
    this.token = token;
    this.#durationMs = durationMs;
  }

  get signal(): AbortSignal {
    return this.#lost.signal;
  }

  /** As it was granted or renewed last. */
  get durationMs(): number {
    return this.#durationMs;
  }

  /** No more than half of it has passed. */
  get isFresh(): boolean {
    const leftMs = this.#untilMs - this.#clock.monotonicMs();
    return !this.#lost.signal.aborted && leftMs > this.#durationMs / 2;
  }

  check(): void {
    if (this.#clock.monotonicMs() >= this.#untilMs) this.end(lost());
    this.#lost.signal.throwIfAborted();
  }

  extend(askedMs: number, durationMs: number): void {
    this.#durationMs = durationMs;
    this.#untilMs = askedMs + durationMs;
    this.#timer?.cancel();
    this.#timer = this.#clock.after(Math.max(0, this.#untilMs - this.#clock.monotonicMs()), () => {
      this.end(lost());
    });
  }

  end(reason: DbError): void {
    this.#timer?.cancel();
    if (!this.#lost.signal.aborted) this.#lost.abort(reason);
  }
}

function lost(): DbError {
  return new DbError('lease_lost', 'another node has the lease: it was not renewed in time');
}
