/**
 * Long work in slices: whoever asks often lets others run after each. That costs nothing while nobody is there. A turn that
 * took long found somebody with work to do, in this thread or, where it was a rest of a millisecond, on the processors: then
 * rests follow each other until one is undisturbed, slices are short, and with them the wait of the others. Slices are short, too,
 * while turns find somebody with little to do, as a small write is that comes back for each of its steps.
 */
import type { Clock } from './clock.ts';

export interface SlicePorts {
  readonly clock: Pick<Clock, 'monotonicMs' | 'sleep'>;
  /** Lets what waits in this thread run, and is over at once when there is nothing. */
  readonly turn: () => Promise<void>;
}

const longMs = 5;
const shortMs = 1;
const restMs = 2;
/** Of a turn, and of a rest beyond its length. */
const undisturbedMsMax = 1;
/** A turn in which nobody had anything to do is shorter. */
const emptyTurnMsMax = 0.06;
/** So long after somebody had, others are expected. */
const expectedMs = 50;
/** Rests in a row: long work goes on, however busy the others are. */
const restsMax = 8;
/** One turn of so many is a rest, which shows whether threads wait for this one's processor. */
const turnsPerRest = 6;

export class Slices {
  readonly #ports: SlicePorts;
  #startMs: number;
  #lengthMs = shortMs;
  #isDisturbed = false;
  #turnCount = 0;
  /** Until then others are expected. */
  #expectedUntilMs = Number.NEGATIVE_INFINITY;

  constructor(ports: SlicePorts) {
    this.#ports = ports;
    this.#startMs = ports.clock.monotonicMs();
  }

  get isDue(): boolean {
    return this.#ports.clock.monotonicMs() - this.#startMs >= this.#lengthMs;
  }

  /** Lets others run and begins the next slice. */
  async rest(): Promise<void> {
    const { clock, turn } = this.#ports;
    this.#turnCount++;
    if (!this.#isDisturbed && this.#turnCount % turnsPerRest !== 0) {
      const tookMs = await this.#timed(turn);
      this.#isDisturbed = tookMs > undisturbedMsMax;
      if (tookMs > emptyTurnMsMax) this.#expectedUntilMs = clock.monotonicMs() + expectedMs;
    } else
      for (let i = 0; i < restsMax; i++) {
        const tookMs = await this.#timed(() => clock.sleep(restMs));
        this.#isDisturbed = tookMs - restMs > undisturbedMsMax;
        if (!this.#isDisturbed) break;
      }
    this.#startMs = clock.monotonicMs();
    const isExpected = this.#startMs < this.#expectedUntilMs;
    this.#lengthMs = this.#isDisturbed || isExpected ? shortMs : longMs;
  }

  /** Whether others were let run: what was remembered of shared state is to be looked at again. */
  async next(): Promise<boolean> {
    if (!this.isDue) return false;
    await this.rest();
    return true;
  }

  async #timed(wait: () => Promise<void>): Promise<number> {
    const { clock } = this.#ports;
    const fromMs = clock.monotonicMs();
    await wait();
    return clock.monotonicMs() - fromMs;
  }
}
