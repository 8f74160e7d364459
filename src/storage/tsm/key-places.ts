/**
 * Where keys of a file's index were found: who asks for the same series again, in another order than that of their keys, goes
 * to the part of the index at once.
 *
 * Invariants:
 * - what it says is a guess: another key may have the same place here. Whoever asks looks whether the key is there;
 * - its memory is fixed: a key that is found pushes out another one.
 */
import { hashBytes } from '../../base/hash-bytes.ts';

/** Of 4 bytes each: the first keys of so many series and files are found again. */
const [placesMin, placesMax] = [64, 4_096];
/** A part of the index is shorter than what this many keys take. */
const keysOfPartMax = 256;
const partsMax = 2 ** 24 - 1;

export class KeyPlaces {
  /** By hash: the part and the place in it, and 1; 0 for none. */
  readonly #places: Uint32Array;

  constructor(keyCount: number) {
    let count = placesMin;
    while (count < placesMax && count < keyCount) count *= 2;
    this.#places = new Uint32Array(count);
  }

  get sizeBytes(): number {
    return this.#places.byteLength;
  }

  /** Where the guess about a key is, for find() and keep(). */
  slotOf(key: Uint8Array): number {
    return hashBytes(key, 0, key.length) & (this.#places.length - 1);
  }

  /** The part that may have the key; -1 when nothing is known. */
  partAt(slot: number): number {
    return Math.floor((this.#places[slot] ?? 0) / keysOfPartMax) - 1;
  }

  /** And its place in there. */
  indexAt(slot: number): number {
    return (this.#places[slot] ?? 0) % keysOfPartMax;
  }

  keep(slot: number, part: number, index: number): void {
    if (part < partsMax && index < keysOfPartMax)
      this.#places[slot] = (part + 1) * keysOfPartMax + index;
  }
}
