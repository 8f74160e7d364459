/** Small arrays of bytes cut from larger ones: one that stands alone costs more than what is in it. */
const slabBytes = 1 << 15;

export class ByteSlab {
  #slab: Uint8Array = new Uint8Array(0);
  #at = 0;

  /** Zeroed, and the caller's for good. It keeps its neighbours in memory, `slabBytes` in all. */
  take(lengthBytes: number): Uint8Array {
    if (lengthBytes > slabBytes / 8) return new Uint8Array(lengthBytes);
    if (this.#at + lengthBytes > this.#slab.length) {
      this.#slab = new Uint8Array(slabBytes);
      this.#at = 0;
    }
    const start = this.#at;
    this.#at += lengthBytes;
    return this.#slab.subarray(start, this.#at);
  }
}
