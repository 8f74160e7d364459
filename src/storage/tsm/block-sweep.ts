/** Reads the blocks of a file that is gone through front to back once: past the cache, in pieces of which one is held. */
import type { TsmEntry, TsmFile } from './tsm-file.ts';

const spanBytes = 1 << 18;

export class BlockSweep {
  readonly #file: TsmFile;
  #offset = 0;
  #bytes: Uint8Array = new Uint8Array();

  constructor(file: TsmFile) {
    this.#file = file;
  }

  /** The block of an entry, checked; it stays as it is. Throws `corrupt` with path and offset. */
  block(entry: TsmEntry): Uint8Array {
    const { offset, lengthBytes } = entry;
    const isHeld = offset >= this.#offset && offset + lengthBytes <= this.#offset + this.#bytes.length; // prettier-ignore
    if (!isHeld) {
      this.#bytes = this.#file.readSpan(offset, Math.max(lengthBytes, spanBytes));
      this.#offset = offset;
    }
    return this.#file.checkBlock(entry, this.#bytes.subarray(offset - this.#offset));
  }
}
