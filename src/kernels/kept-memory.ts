/**
 * What was made for one reader and may serve the next: given back, any of it, once it takes more than `bytesMax`, and all of
 * it when the heap has no room for anything else.
 *
 * Which one goes is left to chance: readers come back to the same series in the same order, and were the longest unused to go
 * first, a little more than there is room for would mean that each is gone just before it is asked for.
 */
import { must } from '../base/assert.ts';
import { Prng } from '../base/prng.ts';

export interface KeptEntry {
  /** Bytes of the heap that it takes; whoever changes it says so by resized(). */
  readonly sizeBytes: number;
  /** Gives its memory back: it is not asked any more. */
  release(): void;
}

export class KeptMemory {
  readonly #bytesMax: number;
  readonly #entries: KeptEntry[] = [];
  /** Where each stands in the list. */
  readonly #places = new Map<KeptEntry, number>();
  readonly #random = Prng.fromSeed(1);
  #usedBytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  add(entry: KeptEntry): void {
    this.#places.set(entry, this.#entries.length);
    this.#entries.push(entry);
    this.resized(entry, 0);
  }

  /** An entry has other bytes than before, and is in use: others go for it. */
  resized(entry: KeptEntry, bytesBefore: number): void {
    this.#usedBytes += entry.sizeBytes - bytesBefore;
    while (this.#usedBytes > this.#bytesMax && this.#entries.length > 1)
      this.remove(this.#anyBut(entry));
  }

  remove(entry: KeptEntry): void {
    const place = this.#places.get(entry);
    if (place === undefined) return;
    this.#places.delete(entry);
    const last = must(this.#entries.pop(), 'an entry has its place in the list');
    if (last !== entry) {
      this.#entries[place] = last;
      this.#places.set(last, place);
    }
    this.#usedBytes -= entry.sizeBytes;
    entry.release();
  }

  clear(): void {
    for (const entry of [...this.#entries]) this.remove(entry);
  }

  #anyBut(entry: KeptEntry): KeptEntry {
    const { length } = this.#entries;
    const place = this.#random.u32() % length;
    const found = this.#entries[place] === entry ? (place + 1) % length : place;
    return must(this.#entries[found], 'there are others');
  }
}
