/**
 * Where a block of hints lies while it is brought: payloads one behind the other in memory that is used again.
 *
 * Invariants:
 * - A payload begins at a multiple of 8 bytes, as the columns of a point batch ask for.
 * - Nothing of it is looked at once all of it was given back: the next block is read over it.
 */
import type { SharedBuffers } from '../base/shared-buffers.ts';
import { KiB } from '../base/units.ts';

/** Of what is lent at a time: most records are small, and one that is larger has memory of its own. */
const chunkBytesMin = 64 * KiB;

export class BlockMemory {
  readonly #buffers: SharedBuffers;
  readonly #chunks: Uint8Array[] = [];
  #last: Uint8Array = new Uint8Array();
  /** Of the last chunk. */
  #usedBytes = 0;

  constructor(buffers: SharedBuffers) {
    this.#buffers = buffers;
  }

  /** For whoever gives it back by himself. */
  lend(lengthBytes: number): Uint8Array {
    return this.#buffers.lend(lengthBytes);
  }

  giveBack(bytes: Uint8Array): void {
    this.#buffers.giveBack(bytes);
  }

  /** So many bytes, whatever they are, until giveBackAll(). */
  place(lengthBytes: number): Uint8Array {
    const at = Math.ceil(this.#usedBytes / 8) * 8;
    if (this.#chunks.length > 0 && at + lengthBytes <= this.#last.length) {
      this.#usedBytes = at + lengthBytes;
      return this.#last.subarray(at, this.#usedBytes);
    }
    this.#last = this.#buffers.lend(Math.max(chunkBytesMin, lengthBytes));
    this.#chunks.push(this.#last);
    this.#usedBytes = lengthBytes;
    return this.#last.subarray(0, lengthBytes);
  }

  giveBackAll(): void {
    for (const chunk of this.#chunks.splice(0)) this.#buffers.giveBack(chunk);
  }
}
