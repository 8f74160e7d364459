/**
 * Streams that nobody has opened yet, by the times before which they have no rows: a heap of plain words, so that millions of
 * them cost no object each.
 */
export class WaitingStreams {
  readonly #isAscending: boolean;
  /** By place of a stream: lower and upper word of its time. */
  readonly #boundsNs: BigInt64Array;
  readonly #words: Int32Array;
  readonly #heap: Uint32Array;
  /** By place: 1 once its time is as near as can be told. */
  readonly #near: Uint8Array;
  #count = 0;

  constructor(countMax: number, ascending: boolean) {
    this.#isAscending = ascending;
    this.#boundsNs = new BigInt64Array(countMax);
    this.#words = new Int32Array(this.#boundsNs.buffer);
    this.#heap = new Uint32Array(countMax);
    this.#near = new Uint8Array(countMax);
  }

  /** What so many take. */
  static bytesOf(countMax: number): number {
    const bytesOfOne = BigInt64Array.BYTES_PER_ELEMENT + Uint32Array.BYTES_PER_ELEMENT + 1;
    return countMax * bytesOfOne;
  }

  get count(): number {
    return this.#count;
  }

  /** Of one that is to be asked for its time when it is the next. */
  isNear(place: number): boolean {
    return this.#near[place] === 1;
  }

  cameNearer(place: number): void {
    this.#near[place] = 1;
  }

  add(place: number, boundNs: bigint): void {
    this.#boundsNs[place] = boundNs;
    const heap = this.#heap;
    let at = this.#count++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent] ?? 0;
      if (!this.#isBefore(place, above)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = place;
  }

  /** The first in the direction of time, of those of one time the one that stands first; undefined when there is none. */
  take(): { readonly place: number; readonly boundNs: bigint } | undefined {
    if (this.#count === 0) return undefined;
    const heap = this.#heap;
    const place = heap[0] ?? 0;
    const last = heap[--this.#count] ?? 0;
    this.#sink(last);
    return { place, boundNs: this.#boundsNs[place] ?? 0n };
  }

  /** Puts one at the top where it belongs. */
  #sink(place: number): void {
    const heap = this.#heap;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= this.#count) break;
      if (child + 1 < this.#count && this.#isBefore(heap[child + 1] ?? 0, heap[child] ?? 0)) child++; // prettier-ignore
      const below = heap[child] ?? 0;
      if (!this.#isBefore(below, place)) break;
      heap[at] = below;
      at = child;
    }
    heap[at] = place;
  }

  #isBefore(left: number, right: number): boolean {
    const words = this.#words;
    const [high, otherHigh] = [words[left * 2 + 1] ?? 0, words[right * 2 + 1] ?? 0];
    if (high !== otherHigh) return high < otherHigh === this.#isAscending;
    const [low, otherLow] = [(words[left * 2] ?? 0) >>> 0, (words[right * 2] ?? 0) >>> 0];
    return low === otherLow ? left < right : low < otherLow === this.#isAscending;
  }
}
