/** How many bits of a byte are set. */
function onesOf(byte: number): number {
  const pairs = byte - ((byte >>> 1) & 0x55);
  const fours = (pairs & 0x33) + ((pairs >>> 2) & 0x33);
  return (fours + (fours >>> 4)) & 0x0f;
}

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

  /** How many of [start, end) are. A million are counted while a reader waits: eight at once. */
  countIn(start: number, end: number): number {
    if (this.#count === 0) return 0;
    let count = 0;
    let id = start;
    for (; id < end && (id & 7) !== 0; id++) if (this.has(id)) count++;
    for (; id + 8 <= end; id += 8) count += onesOf(this.#bits[id >>> 3] ?? 0);
    for (; id < end; id++) if (this.has(id)) count++;
    return count;
  }

  /** The others of [start, start + count), ascending, each with `base` added. */
  othersOf(start: number, count: number, base: number): Uint32Array {
    const ids = new Uint32Array(count - this.countIn(start, start + count));
    let at = 0;
    // A million are listed while others wait: nothing is looked at where all of them are there.
    if (ids.length === count) for (; at < count; at++) ids[at] = start + at + base;
    for (let id = start; at < ids.length; id++) if (!this.has(id)) ids[at++] = id + base;
    return ids;
  }
}
