/**
 * Gives the stamps of what this node coordinates: a hybrid logical clock (decision 0014).
 *
 * Invariants:
 * - Each stamp is later than those given before, and than those seen before of writes that other nodes coordinated: of two
 *   writes that one node knows of, the one that it takes later counts.
 * - The same of what this node has stored, which it looks for when the first write or delete wants a stamp: a
 *   clock that went back while the node was down must not put what is written now behind what was written before.
 * - A stamp that is far ahead of all that this node's clock has shown pushes nothing: one node whose clock is wild must not take the others
 *   along, and one whose own has gone back goes along with the others.
 * - A clock that is ahead of this node's, and not so far, is gone along with as long as this one is behind: what is taken here a
 *   second after a stamp was seen is a second later, not a nanosecond (decision 135). So is this node's own of before, which went back.
 */
import type { Clock } from '../../env/clock.ts';
import type { Random } from '../../env/random.ts';
import { makeStamp, runOf, stampBehind, stampNs, type Stamp } from '../../models/stamp.ts';

export interface StampClockPorts {
  readonly clock: Pick<Clock, 'wallNs' | 'monotonicMs'>;
  readonly nodeId: () => number;
  readonly random: Pick<Random, 'u32'>;
  /** The latest of all that is stored here; nothing is when it is left out. */
  readonly latestStored?: () => Promise<Stamp>;
}

/** A clock that is off by more than a day is not followed. */
const aheadNsMax = 86_400_000_000_000n;
/** By less the stamps of a moment are ahead of it, a nanosecond each. */
const backNsMin = 1_000_000n;

export class StampClock {
  readonly #ports: StampClockPorts;
  /** No other run of this node has it, so that no stamp comes twice. */
  readonly #run: number;
  #lastNs = 0n;
  /** The latest that the wall's clock has shown. */
  #shownNs = 0n;
  /** When it was given or seen. */
  #lastAtMs = 0;
  /** Of a clock ahead of this one: what it showed when it was seen last. */
  #ahead: { readonly ns: bigint; readonly atMs: number } | undefined;
  /** The latest that was given of no clock. */
  #behindNs = 0n;
  #hasLearned: boolean;
  #learning: Promise<void> | undefined;

  constructor(ports: StampClockPorts) {
    this.#ports = ports;
    this.#hasLearned = ports.latestStored === undefined;
    this.#run = runOf(ports.random.u32());
  }

  /** Nanoseconds of this clock: no stamp that it has given or seen is later, but for those that it does not follow. */
  get lastNs(): bigint {
    return this.#lastNs;
  }

  /**
   * To be waited for before a stamp is asked for, or lastNs; undefined once it knows what is stored. Rejects with what keeps it from knowing,
   * and looks again when it is called then.
   */
  learned(): Promise<void> | undefined {
    if (this.#hasLearned) return undefined;
    this.#learning ??= this.#learn().finally(() => {
      this.#learning = undefined;
    });
    return this.#learning;
  }

  async #learn(): Promise<void> {
    const latest = await this.#ports.latestStored?.();
    if (latest !== undefined) this.seen(latest);
    this.#hasLearned = true;
  }

  next(): Stamp {
    return this.nextOf(1);
  }

  /** The first of `count` stamps that follow each other by a nanosecond. */
  nextOf(count: number): Stamp {
    const wallNs = this.#look();
    let nowNs = this.#nowNs(wallNs);
    if (this.#isBack(nowNs, wallNs)) {
      this.#ahead = { ns: this.#lastNs, atMs: this.#lastAtMs };
      nowNs = this.#nowNs(wallNs);
    }
    const firstNs = nowNs > this.#lastNs ? nowNs : this.#lastNs + 1n;
    this.#lastNs = firstNs + BigInt(count - 1);
    this.#lastAtMs = this.#ports.clock.monotonicMs();
    return makeStamp(firstNs, this.#ports.nodeId(), this.#run);
  }

  seen(stamp: Stamp): void {
    const ns = stampNs(stamp);
    if (ns <= this.#lastNs) return;
    const { clock } = this.#ports;
    const wallNs = this.#look();
    if (ns > this.#shownNs + aheadNsMax) return;
    this.#lastNs = ns;
    this.#lastAtMs = clock.monotonicMs();
    if (ns > this.#nowNs(wallNs)) this.#ahead = { ns, atMs: this.#lastAtMs };
  }

  #look(): bigint {
    const wallNs = this.#ports.clock.wallNs();
    if (wallNs > this.#shownNs) this.#shownNs = wallNs;
    return wallNs;
  }

  /** Whether the clock has gone back, by no more than is followed: time goes on from the last stamp then. */
  #isBack(nowNs: bigint, wallNs: bigint): boolean {
    return this.#lastNs > nowNs + backNsMin && this.#lastNs <= wallNs + aheadNsMax;
  }

  /** A stamp later than one that an owner has, however far ahead that is: for what has been taken after it all the same. */
  overtaking(newerNs: bigint): Stamp {
    this.seen(makeStamp(newerNs, 0));
    const next = this.next();
    if (stampNs(next) > newerNs) return next;
    const behind = stampBehind(
      makeStamp(newerNs > this.#behindNs ? newerNs : this.#behindNs, 0),
      next,
    );
    this.#behindNs = stampNs(behind);
    return behind;
  }

  #nowNs(wallNs: bigint): bigint {
    if (this.#ahead === undefined) return wallNs;
    const { ns, atMs } = this.#ahead;
    const aheadNs = ns + BigInt(Math.round((this.#ports.clock.monotonicMs() - atMs) * 1e6));
    return aheadNs > wallNs ? aheadNs : wallNs;
  }
}
