/**
 * The bytes of a segment, read ahead in large pieces: while one is looked at the next is on its way, so that a start does not wait for
 * the disk at each of them. What the disk cannot read is there as zeros, and known as unreadable: a bad sector costs the records in
 * it and no others.
 */
import { isDbError } from '../../base/errors.ts';
import type { DiskFile } from '../../env/disk.ts';

const pieceBytes = 1 << 20;
/** What is tried alone where a piece could not be read. */
const sectorBytes = 4_096;
/** Before a piece that is on its way: room for the rest of the one before, which most records that lie across are shorter than. */
const restBytesMax = 1 << 18;

/** A piece on its way, behind `restBytesMax` of its room. */
interface Ahead {
  readonly start: number;
  readonly room: Uint8Array;
  readonly reading: Promise<Uint8Array>;
}

export class SegmentBytes {
  readonly #file: DiskFile;
  #start = 0;
  #bytes: Uint8Array = new Uint8Array();
  /** Of what is at hand, and one that is free: used again, as megabytes that are made anew have the collector go through all of the heap. */
  #room: Uint8Array = new Uint8Array();
  #freeRoom: Uint8Array | undefined;
  #ahead: Ahead | undefined;
  readonly #unreadable: { readonly start: number; readonly end: number }[] = [];

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
    if (!(await this.#takeAhead(offset, end))) {
      const wanted = Math.min(Math.max(end - offset, pieceBytes), this.#file.lengthBytes - offset);
      if (this.#room.length < wanted) this.#room = new Uint8Array(wanted);
      this.#bytes = await this.#read(offset, this.#room.subarray(0, Math.max(0, wanted)));
      this.#start = offset;
    }
    this.#readAhead();
    return this.#bytes.subarray(0, Math.max(0, end - offset));
  }

  /** Before the file is closed: nothing reads it any more. */
  async end(): Promise<void> {
    await this.#ahead?.reading.catch(() => undefined);
    this.#ahead = undefined;
  }

  /** False where the piece on its way, with the rest of the one at hand before it, is not what is wanted. */
  async #takeAhead(offset: number, end: number): Promise<boolean> {
    if (this.#ahead === undefined) return false;
    const { start, room, reading } = this.#ahead;
    const piece = await reading;
    this.#ahead = undefined;
    const restBytes = start - offset;
    const isNext = offset >= this.#start && restBytes >= 0 && restBytes <= restBytesMax;
    if (!isNext || end > start + piece.length) {
      this.#freeRoom = room;
      return false;
    }
    const from = restBytesMax - restBytes;
    room.set(this.#bytes.subarray(offset - this.#start), from);
    this.#bytes = room.subarray(from, restBytesMax + piece.length);
    this.#start = offset;
    if (this.#room.length >= restBytesMax) this.#freeRoom = this.#room;
    this.#room = room;
    return true;
  }

  #readAhead(): void {
    const start = this.#start + this.#bytes.length;
    const wanted = Math.min(pieceBytes, this.#file.lengthBytes - start);
    if (wanted <= 0) return;
    const free = this.#freeRoom;
    this.#freeRoom = undefined;
    const room = free !== undefined && free.length >= restBytesMax + wanted ? free : new Uint8Array(restBytesMax + wanted); // prettier-ignore
    const reading = this.#read(start, room.subarray(restBytesMax, restBytesMax + wanted));
    // Whoever wants it hears of a failure.
    reading.catch(() => undefined);
    this.#ahead = { start, room, reading };
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

  async #read(offset: number, bytes: Uint8Array): Promise<Uint8Array> {
    try {
      const read = await this.#file.readAt(offset, bytes);
      return bytes.subarray(0, read);
    } catch (error) {
      if (!isDbError(error, 'io_error')) throw error;
    }
    bytes.fill(0);
    for (let at = 0; at < bytes.length; at += sectorBytes) {
      const sector = bytes.subarray(at, at + sectorBytes);
      try {
        await this.#file.readAt(offset + at, sector);
      } catch (error) {
        if (!isDbError(error, 'io_error')) throw error;
        sector.fill(0);
        this.#unreadable.push({ start: offset + at, end: offset + at + sector.length });
      }
    }
    return bytes;
  }
}
