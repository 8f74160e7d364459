/**
 * The bytes of a segment, read ahead in large pieces. What the disk cannot read is there as zeros, and known as unreadable:
 * a bad sector costs the records in it and no others.
 */
import type { DiskFile } from '../../env/disk.ts';
import { readAroundSectors, type ByteRange } from '../../env/read-around-sectors.ts';

const pieceBytes = 1 << 20;

export class SegmentBytes {
  readonly #file: DiskFile;
  #start = 0;
  #bytes: Uint8Array = new Uint8Array();
  /** Used again for each piece: megabytes that are made anew have the collector go through all of the heap. */
  #room: Uint8Array = new Uint8Array();
  readonly #unreadable: ByteRange[] = [];

  constructor(file: DiskFile) {
    this.#file = file;
  }

  get path(): string {
    return this.#file.path;
  }

  get lengthBytes(): number {
    return this.#file.lengthBytes;
  }

  /** The bytes at `offset`; fewer at the end of the file. They hold until others are read. */
  async at(offset: number, lengthBytes: number): Promise<Uint8Array> {
    const known = this.atHand(offset, lengthBytes);
    if (known !== undefined) return known;
    const end = Math.min(offset + lengthBytes, this.#file.lengthBytes);
    const wanted = Math.min(Math.max(end - offset, pieceBytes), this.#file.lengthBytes - offset);
    this.#bytes = await this.#read(offset, Math.max(0, wanted));
    this.#start = offset;
    return this.#bytes.subarray(0, Math.max(0, end - offset));
  }

  /** The same at once where they have been read ahead, as those of nearly all records of a few points are. */
  atHand(offset: number, lengthBytes: number): Uint8Array | undefined {
    const end = Math.min(offset + lengthBytes, this.#file.lengthBytes);
    if (offset < this.#start || end > this.#start + this.#bytes.length) return undefined;
    return this.#bytes.subarray(offset - this.#start, Math.max(offset, end) - this.#start);
  }

  /** What has been read ahead from `offset` on, `most` bytes of it; read first where that are fewer than `least`. */
  async ahead(
    offset: number,
    { least, most }: { readonly least: number; readonly most: number },
  ): Promise<Uint8Array> {
    if (this.atHand(offset, least) === undefined) await this.at(offset, least);
    const from = offset - this.#start;
    return this.#bytes.subarray(from, from + most);
  }

  /** Whether the disk failed to read any of these bytes. */
  isUnreadable(start: number, end: number): boolean {
    return this.#unreadable.some((one) => one.start < end && start < one.end);
  }

  /** Where `pattern` next begins from `offset` on; undefined when nowhere. */
  async find(pattern: Uint8Array, offset: number): Promise<number | undefined> {
    let start = offset;
    while (start < this.#file.lengthBytes) {
      // What is at hand goes first: bytes that are full of beginnings are read once all the same.
      const atHand = this.#start + this.#bytes.length - start;
      const isAtHand = start >= this.#start && atHand >= pattern.length;
      const piece = await this.at(start, isAtHand ? atHand : pieceBytes);
      const found = Buffer.from(piece.buffer, piece.byteOffset, piece.length).indexOf(pattern);
      if (found >= 0) return start + found;
      start += Math.max(1, piece.length - pattern.length + 1);
    }
    return undefined;
  }

  async #read(offset: number, lengthBytes: number): Promise<Uint8Array> {
    if (this.#room.length < lengthBytes) this.#room = new Uint8Array(lengthBytes);
    const into = this.#room.subarray(0, lengthBytes);
    const read = await readAroundSectors(this.#file, { offset, into }, (range) => {
      this.#unreadable.push(range);
    });
    return into.subarray(0, read);
  }
}
