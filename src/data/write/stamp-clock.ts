/**
 * Gives the stamps of what this node coordinates: a hybrid logical clock (decision 0014).
 *
 * Invariants:
 * - Each stamp is later than those given before, and than those seen before of writes that other nodes coordinated: of two
 *   writes that one node knows of, the one that it takes later counts.
 * - A stamp that is far ahead of this node's clock pushes nothing: one node whose clock is wild must not take the others along.
 */
import type { Clock } from '../../env/clock.ts';
import type { Random } from '../../env/random.ts';
import { makeStamp, stampNs, type Stamp } from '../../models/stamp.ts';

export interface StampClockPorts {
  readonly clock: Pick<Clock, 'wallNs'>;
  readonly nodeId: () => number;
  readonly random: Pick<Random, 'u32'>;
}

/** A clock that is off by more than a day is not followed. */
const aheadNsMax = 86_400_000_000_000n;

export class StampClock {
  readonly #ports: StampClockPorts;
  /** No other run of this node has it, so that no stamp comes twice. */
  readonly #run: number;
  #lastNs = 0n;

  constructor(ports: StampClockPorts) {
    this.#ports = ports;
    this.#run = ports.random.u32();
  }

  /** Nanoseconds of this clock: no stamp that it has given or seen is later, but for those that it does not follow. */
  get lastNs(): bigint {
    return this.#lastNs;
  }

  next(): Stamp {
    return this.nextOf(1);
  }

  /** The first of `count` stamps that follow each other by a nanosecond. */
  nextOf(count: number): Stamp {
    const nowNs = this.#ports.clock.wallNs();
    const firstNs = nowNs > this.#lastNs ? nowNs : this.#lastNs + 1n;
    this.#lastNs = firstNs + BigInt(count - 1);
    return makeStamp(firstNs, this.#ports.nodeId(), this.#run);
  }

  seen(stamp: Stamp): void {
    const ns = stampNs(stamp);
    if (ns > this.#lastNs && ns <= this.#ports.clock.wallNs() + aheadNsMax) this.#lastNs = ns;
  }
}
