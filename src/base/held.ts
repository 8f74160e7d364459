import { assert } from './assert.ts';

/** Something that ends once nobody holds it any more and it has been said that nobody shall take hold of it again. */
export class Held {
  readonly #onEnd: () => void;
  #holderCount = 0;
  #hasEnded = false;

  constructor(onEnd: () => void) {
    this.#onEnd = onEnd;
  }

  /** Answers how to let go, which may be done more than once. */
  hold(): () => void {
    assert(!this.#hasEnded, 'what has ended is not held again');
    this.#holderCount++;
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.#holderCount--;
      this.#endIfFree();
    };
  }

  /** May be called more than once. */
  end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#endIfFree();
  }

  #endIfFree(): void {
    if (this.#hasEnded && this.#holderCount === 0) this.#onEnd();
  }
}
