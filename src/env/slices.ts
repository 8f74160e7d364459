/**
 * Long work in slices: whoever asks often lets others run after each. A turn that took long found somebody with work to do,
 * in this thread or on the processors: they get some more turns, and the next slice is short, and with it their wait. While
 * nobody is there slices are long, since a turn may cost a timer's millisecond.
 */
import type { Clock } from './clock.ts';

export interface SlicePorts {
  readonly clock: Pick<Clock, 'monotonicMs'>;
  /** Lets other messages run; takes a millisecond at most when there are none. */
  readonly turn: () => Promise<void>;
}

const longMs = 5;
const shortMs = 1;
const idleTurnMsMax = 1.5;
/** Turns in a row: long work goes on, however busy the others are. */
const turnsMax = 8;

export class Slices {
  readonly #ports: SlicePorts;
  #startMs: number;
  #lengthMs = shortMs;

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
    let fromMs = clock.monotonicMs();
    this.#lengthMs = longMs;
    for (let i = 0; i < turnsMax; i++) {
      await turn();
      this.#startMs = clock.monotonicMs();
      if (this.#startMs - fromMs <= idleTurnMsMax) return;
      fromMs = this.#startMs;
      this.#lengthMs = shortMs;
    }
  }

  /** Whether others were let run: what was remembered of shared state is to be looked at again. */
  async next(): Promise<boolean> {
    if (!this.isDue) return false;
    await this.rest();
    return true;
  }
}
