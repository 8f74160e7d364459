const capacityFirst = 64;

/** A list of uint32 that grows by doubling. */
export class GrowingU32 {
  #words = new Uint32Array(capacityFirst);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(value: number): void {
    if (this.#length === this.#words.length) {
      const grown = new Uint32Array(this.#length * 2);
      grown.set(this.#words);
      this.#words = grown;
    }
    this.#words[this.#length++] = value;
  }

  /** A view of what is in the list; the next push may leave it behind. */
  view(): Uint32Array {
    return this.#words.subarray(0, this.#length);
  }
}
