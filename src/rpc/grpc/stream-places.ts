/**
 * How many streams of one connection are open at once. A listener counts a stream that has ended until it has cleaned up
 * behind it, so that a peer which opens as many as it is allowed is refused some: our side opens fewer than that
 * (`streamsMax`), and what is above `callsMax` waits for its turn here.
 */

/** Calls at work for one peer. */
export const callsMax = 1_000;
/** What a listener tells its peers: those at work, and those that have ended in the last few reads of its socket. */
export const streamsMax = 8 * callsMax;

export class StreamPlaces {
  #freeCount: number;
  /** In the order in which they came. */
  readonly #waiting = new Set<() => void>();

  constructor(count: number) {
    this.#freeCount = count;
  }

  /** Runs `start` as soon as there is a place, which `release` gives back. Gives what leaves the queue. */
  enter(start: () => void): () => void {
    if (this.#freeCount > 0) {
      this.#freeCount--;
      start();
    } else this.#waiting.add(start);
    return () => this.#waiting.delete(start);
  }

  release(): void {
    const [next] = this.#waiting;
    if (next === undefined) this.#freeCount++;
    else {
      this.#waiting.delete(next);
      next();
    }
  }
}
