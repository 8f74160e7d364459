/**
 * What was made for one reader and may serve the next: given back, the longest unused first, once it takes more than
 * `bytesMax`, and all of it when the heap has no room for anything else.
 */
export interface KeptEntry {
  /** Bytes of the heap that it takes; whoever changes it says so by resized(). */
  readonly sizeBytes: number;
  /** Gives its memory back: it is not asked any more. */
  release(): void;
}

export class KeptMemory {
  readonly #bytesMax: number;
  /** The longest unused first. */
  readonly #entries = new Set<KeptEntry>();
  #usedBytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  add(entry: KeptEntry): void {
    this.#entries.add(entry);
    this.resized(entry, 0);
  }

  used(entry: KeptEntry): void {
    if (!this.#entries.delete(entry)) return;
    this.#entries.add(entry);
  }

  /** An entry has other bytes than before, and is in use: others go for it. */
  resized(entry: KeptEntry, bytesBefore: number): void {
    this.#usedBytes += entry.sizeBytes - bytesBefore;
    for (const other of this.#entries) {
      if (this.#usedBytes <= this.#bytesMax) return;
      if (other !== entry) this.remove(other);
    }
  }

  remove(entry: KeptEntry): void {
    if (!this.#entries.delete(entry)) return;
    this.#usedBytes -= entry.sizeBytes;
    entry.release();
  }

  clear(): void {
    for (const entry of this.#entries) this.remove(entry);
  }
}
