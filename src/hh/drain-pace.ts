/**
 * How much a node is brought of its hints at a time, and how soon the next.
 *
 * A request at full speed keeps threads of both nodes and the owner's disk busy, and a write that comes meanwhile waits for each of
 * them: the longest for the disk, which takes half a megabyte with one sync.
 *
 * Invariants:
 * - All requests to the node together are as much work as `fullRequestsMax` of them: fresh writes of others wait behind no more than that.
 * - While clients write to this node or to the owner they are as much as one, and behind each there is a rest in proportion to how long
 *   it took. While none does there is no rest: hints come as fast as their owner takes them.
 * - Where more is queued meanwhile than half of what is brought there is no rest either: a queue ends beside writes that follow it.
 * - A rest has a longest: hints come to their end however busy a node is.
 *
 * Not here: a rate that was asked for (node-drain.ts).
 */
import { ByteBudget } from '../base/async/byte-budget.ts';
import { Latch } from '../base/async/latch.ts';
import type { Clock, Timer } from '../env/clock.ts';
import { blockRecordsMax } from './read-hints.ts';

export interface DrainPacePorts {
  readonly clock: Pick<Clock, 'monotonicMs' | 'after'>;
  /** Writes that clients have given this node so far. */
  readonly freshCount: () => number;
}

/** Ends a request; with a rest behind it, unless somebody waits for what is left. */
export type LeaveRequest = (options: { readonly isHurried: boolean }) => void;

/** One that its owner works at, and one that is on its way. */
const fullRequestsMax = 2;
/** What was queued before that is what there is to bring, and not what comes meanwhile. */
const owedRequestsMax = 2;
/** Whoever writes once in so long is written for. */
const freshMs = 100;
/** Times what a request took: hints come at a good third of full speed, some three times as fast as an influxd ingests. Once was too little: p99 of fresh writes doubled and more. */
const restShare = 2;
/** Half a megabyte that takes its owner as long still comes at 2.6 MB/s. */
const restMsMax = 100;

export class DrainPace {
  readonly #ports: DrainPacePorts;
  readonly #requestBytesMax: number;
  readonly #room: ByteBudget;
  readonly #rests = new Map<Timer, () => void>();
  /** Of this node and of the owner, when it was looked at last. */
  #ownCount: number;
  #ownersCount: number | undefined;
  #freshAtMs = -Infinity;
  /** Queued lately, less half of what was brought. */
  #owedBytes = 0;
  #isClosed = false;

  constructor(ports: DrainPacePorts, requestBytesMax: number) {
    this.#ports = ports;
    this.#requestBytesMax = requestBytesMax;
    this.#room = new ByteBudget(fullRequestsMax * requestBytesMax);
    this.#ownCount = ports.freshCount();
  }

  /** Resolves once a request may go among those under way. */
  async enter(recordCount: number, lengthBytes: number): Promise<LeaveRequest> {
    const workBytes = Math.max(lengthBytes, (recordCount / blockRecordsMax) * this.#requestBytesMax); // prettier-ignore
    const togetherMax = this.#isWritten() ? 1 : fullRequestsMax;
    const turn = new Latch<undefined>();
    const leave = this.#room.reserve((workBytes * fullRequestsMax) / togetherMax, () => {
      turn.open(undefined);
    });
    await turn.promise;
    const fromMs = this.#ports.clock.monotonicMs();
    return ({ isHurried }) => {
      this.#owedBytes = Math.max(0, this.#owedBytes - lengthBytes / 2);
      const isFast = isHurried || this.#isClosed || this.#owedBytes > 0;
      if (!this.#isWritten() || isFast) leave();
      else this.#rest(this.#ports.clock.monotonicMs() - fromMs, leave);
    };
  }

  /** So much more waits now. */
  queued(lengthBytes: number): void {
    this.#owedBytes = Math.min(
      owedRequestsMax * this.#requestBytesMax,
      this.#owedBytes + lengthBytes,
    );
  }

  /** What the owner says of itself; it counts anew in each of its runs. */
  heardFresh(freshCount: number): void {
    if (freshCount !== (this.#ownersCount ?? freshCount))
      this.#freshAtMs = this.#ports.clock.monotonicMs();
    this.#ownersCount = freshCount;
  }

  /** Ends all rests now. */
  hurry(): void {
    for (const [timer, leave] of [...this.#rests]) {
      this.#rests.delete(timer);
      timer.cancel();
      leave();
    }
  }

  /** There are no more rests. */
  close(): void {
    this.#isClosed = true;
    this.hurry();
  }

  #rest(tookMs: number, leave: () => void): void {
    const timer = this.#ports.clock.after(Math.min(restMsMax, tookMs * restShare), () => {
      this.#rests.delete(timer);
      leave();
    });
    this.#rests.set(timer, leave);
  }

  #isWritten(): boolean {
    const { clock, freshCount } = this.#ports;
    const nowMs = clock.monotonicMs();
    const count = freshCount();
    if (count !== this.#ownCount) this.#freshAtMs = nowMs;
    this.#ownCount = count;
    return nowMs - this.#freshAtMs < freshMs;
  }
}
