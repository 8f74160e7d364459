/**
 * A file read front to back in large pieces, of which one is in memory.
 *
 * Invariant: what was handed out stays as it was; a piece is never read into again.
 */
import type { DiskFile } from '../../env/disk.ts';

const pieceBytes = 1 << 20;

export class FilePieces {
  readonly #file: DiskFile;
  readonly #end: number;
  #start = 0;
  #bytes: Uint8Array = new Uint8Array();

  /** Nothing behind `end` is read. */
  constructor(file: DiskFile, end: number = file.lengthBytes) {
    this.#file = file;
    this.#end = end;
  }

  /** The bytes at `offset`; fewer at the end. */
  async at(offset: number, lengthBytes: number): Promise<Uint8Array> {
    const end = Math.min(offset + lengthBytes, this.#end);
    if (offset < this.#start || end > this.#start + this.#bytes.length) {
      const wanted = Math.min(Math.max(end - offset, pieceBytes), this.#end - offset);
      const bytes = new Uint8Array(Math.max(0, wanted));
      this.#bytes = bytes.subarray(0, await this.#file.readAt(offset, bytes));
      this.#start = offset;
    }
    return this.#bytes.subarray(offset - this.#start, Math.max(offset, end) - this.#start);
  }
}
