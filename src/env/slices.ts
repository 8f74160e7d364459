import type { Clock } from './clock.ts';

export interface SlicePorts {
  readonly clock: Clock;
  /** Lets other messages run. */
  readonly turn: () => Promise<void>;
}

const sliceMs = 5;

/** Work in slices: whoever asks often lets others run after so long. */
export class Slices {
  readonly #ports: SlicePorts;
  #startMs: number;

  constructor(ports: SlicePorts) {
    this.#ports = ports;
    this.#startMs = ports.clock.monotonicMs();
  }

  /** Whether others were let run: what was remembered of shared state is to be looked at again. */
  async next(): Promise<boolean> {
    const { clock, turn } = this.#ports;
    if (clock.monotonicMs() - this.#startMs < sliceMs) return false;
    await turn();
    this.#startMs = clock.monotonicMs();
    return true;
  }
}
