/** Which series of a shard were deleted and have had no point since: a bit each. */
export class GoneSeries {
  #bits: Uint8Array = new Uint8Array(0);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  has(id: number): boolean {
    return ((this.#bits[id >>> 3] ?? 0) & (1 << (id & 7))) !== 0;
  }

  /** False when it is one of them already. */
  add(id: number): boolean {
    if (this.has(id)) return false;
    const at = id >>> 3;
    if (at >= this.#bits.length) {
      const grown = new Uint8Array(Math.max(at + 1, this.#bits.length * 2));
      grown.set(this.#bits);
      this.#bits = grown;
    }
    this.#bits[at] = (this.#bits[at] ?? 0) | (1 << (id & 7));
    this.#count++;
    return true;
  }

  /** False when it is none of them. */
  remove(id: number): boolean {
    if (!this.has(id)) return false;
    const at = id >>> 3;
    this.#bits[at] = (this.#bits[at] ?? 0) & ~(1 << (id & 7));
    this.#count--;
    return true;
  }

  /** Ascending. */
  *ids(): Generator<number> {
    for (const [at, byte] of this.#bits.entries())
      for (let bit = 0; byte >>> bit !== 0; bit++)
        if ((byte & (1 << bit)) !== 0) yield at * 8 + bit;
  }

  /** How many of [start, end) are. */
  countIn(start: number, end: number): number {
    if (this.#count === 0) return 0;
    let count = 0;
    for (let id = start; id < end; id++) if (this.has(id)) count++;
    return count;
  }

  /** The others of a list, in its order. */
  without(ids: Uint32Array): Uint32Array {
    return this.#count === 0 ? ids : ids.filter((id) => !this.has(id));
  }
}
