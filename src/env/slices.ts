/**
 * Long work in slices: whoever asks often lets others run after each. A turn while nobody is there takes some microseconds, so that
 * slices are short: a small write comes back for each of its steps, and waits for a slice each time, however little it has to do.
 * A turn that took long found somebody with work to do, in this thread or, where it was a rest of two milliseconds, on the
 * processors: then rests follow each other until one is undisturbed.
 */
import type { Clock } from './clock.ts';

export interface SlicePorts {
  readonly clock: Pick<Clock, 'monotonicMs' | 'sleep'>;
  /** Lets what waits in this thread run, and is over at once when there is nothing. */
  readonly turn: () => Promise<void>;
}

const sliceMs = 0.5;
/** While others want rests. */
const disturbedSliceMs = 1;
const restMs = 2;
/** Of a turn, and of a rest beyond its length. */
const undisturbedMsMax = 1;
/** Of rests in a row: long work goes on, however busy the others are, and however late it wakes from each. */
const restsMsMax = 16;
/** One turn of so many is a rest, which shows whether threads wait for this one's processor: 2 of 32 ms. */
const turnsPerRest = 60;

export class Slices {
  readonly #ports: SlicePorts;
  #startMs: number;
  #isDisturbed = false;
  #turnCount = 0;

  constructor(ports: SlicePorts) {
    this.#ports = ports;
    this.#startMs = ports.clock.monotonicMs();
  }

  get isDue(): boolean {
    const lengthMs = this.#isDisturbed ? disturbedSliceMs : sliceMs;
    return this.#ports.clock.monotonicMs() - this.#startMs >= lengthMs;
  }

  /** Begins the next slice: others have run. */
  begin(): void {
    this.#startMs = this.#ports.clock.monotonicMs();
  }

  /** Lets others run and begins the next slice. */
  async rest(): Promise<void> {
    const { clock, turn } = this.#ports;
    this.#turnCount++;
    if (!this.#isDisturbed && this.#turnCount % turnsPerRest !== 0) {
      const tookMs = await this.#timed(turn);
      this.#isDisturbed = tookMs > undisturbedMsMax;
    } else {
      let restedMs = 0;
      do {
        const tookMs = await this.#timed(() => clock.sleep(restMs));
        this.#isDisturbed = tookMs - restMs > undisturbedMsMax;
        restedMs += tookMs;
      } while (this.#isDisturbed && restedMs < restsMsMax);
    }
    this.begin();
  }

  /** Lets others of this thread run once, without a rest: of work that somebody waits for. */
  async turn(): Promise<void> {
    await this.#ports.turn();
    this.begin();
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
