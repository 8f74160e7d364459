/**
 * Lets writes pass while shards are copied: between two pieces there is a rest, the longer the later this thread gets the processor
 * again. Who is late in waking makes writes late, too.
 *
 * Invariants:
 * - While nobody writes to this node there is no rest at all.
 * - All copies of a node rest one after the other: more of them are not more in the way than one.
 * - A rest has a longest: a copy comes to its end however busy the node is (256 KiB in 100 ms are 2.6 MB/s).
 */
import { Mutex } from '../../base/async/mutex.ts';
import type { Clock } from '../../env/clock.ts';

export interface GiveWayPorts {
  readonly clock: Pick<Clock, 'monotonicMs' | 'sleep'>;
  /** Writes that this node was given so far. */
  readonly writeCount: () => number;
}

const restMsMin = 10;
const restMsMax = 100;
/** Beyond the length of a rest. */
const lateMsMax = 2;
/** Of each rest that was not disturbed; one that was doubles. */
const shorterMs = 1;
/** Whoever writes once in so long is written for, too. */
const writtenMs = 1_000;

export class GiveWay {
  readonly #ports: GiveWayPorts;
  readonly #resting = new Mutex();
  #restMs = restMsMin;
  #writeCount: number;
  #writtenMs = -Infinity;

  constructor(ports: GiveWayPorts) {
    this.#ports = ports;
    this.#writeCount = ports.writeCount();
  }

  /** Resolves when the next piece may go. */
  async rest(): Promise<void> {
    if (this.#isWrittenTo()) await this.#resting.run(() => this.#rest());
  }

  #isWrittenTo(): boolean {
    const nowMs = this.#ports.clock.monotonicMs();
    const writeCount = this.#ports.writeCount();
    if (writeCount !== this.#writeCount) this.#writtenMs = nowMs;
    this.#writeCount = writeCount;
    return nowMs - this.#writtenMs < writtenMs;
  }

  async #rest(): Promise<void> {
    const { clock } = this.#ports;
    const fromMs = clock.monotonicMs();
    await clock.sleep(this.#restMs);
    const lateMs = clock.monotonicMs() - fromMs - this.#restMs;
    this.#restMs =
      lateMs > lateMsMax
        ? Math.min(restMsMax, this.#restMs * 2)
        : Math.max(restMsMin, this.#restMs - shorterMs);
  }
}
