/**
 * Bytes of requests that may be under way at a time: what does not fit waits its turn, in order.
 * - A part is given whole or not at all, so that whoever has one can go on.
 */
interface Waiting {
  readonly lengthBytes: number;
  readonly take: () => void;
}

export class ByteBudget {
  readonly #bytesMax: number;
  readonly #waiting: Waiting[] = [];
  #takenBytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = Math.floor(bytesMax);
  }

  /** Calls `take` once `lengthBytes` are there for it, at once if they are. Gives what takes the request back. */
  reserve(lengthBytes: number, take: () => void): () => void {
    // Of fractions a rest would stay when all is given back, and who wants all of it would wait for ever.
    const waiting = { lengthBytes: Math.min(Math.ceil(lengthBytes), this.#bytesMax), take };
    this.#waiting.push(waiting);
    this.#serve();
    let isGivenBack = false;
    return () => {
      if (isGivenBack) return;
      isGivenBack = true;
      const at = this.#waiting.indexOf(waiting);
      if (at >= 0) this.#waiting.splice(at, 1);
      else this.#takenBytes -= waiting.lengthBytes;
      this.#serve();
    };
  }

  #serve(): void {
    for (;;) {
      const [first] = this.#waiting;
      if (first === undefined || this.#takenBytes + first.lengthBytes > this.#bytesMax) return;
      this.#waiting.shift();
      this.#takenBytes += first.lengthBytes;
      first.take();
    }
  }
}
