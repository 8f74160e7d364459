/**
 * Finds records of the log where they lie side by side, and copies those that are wanted, many with one call (assembly/records.ts).
 *
 * Not here: what the records mean (storage/wal).
 */
import type { StoreKernel } from './store-kernel.ts';

/** Bytes that are looked at with one call: they fit into a processor's cache, and into memory that is there anyway. */
export const scanBytesMax = 1 << 17;
export const recordHeadBytes = 40;
/** Bodies from so many bytes on are the caller's to check: a call of Node's checksum costs less than it saves then. */
const largeBytes = 4_096;
/** Of an offset, where the body's checksum has not been compared. */
const uncheckedBit = 2 ** 31;
const rowWords = 8;
const halfWord = 2 ** 32;

export interface RecordForm {
  /** The first four bytes of each record. */
  readonly magic: number;
  /** What the checksum of a header begins with. */
  readonly salt: number;
}

/** Whole records that bytes begin with, by their numbers. */
export class ScannedRecords {
  readonly bytes: Uint8Array;
  readonly #words: Uint32Array;
  readonly count: number;

  constructor(bytes: Uint8Array, words: Uint32Array, count: number) {
    this.bytes = bytes;
    this.#words = words;
    this.count = count;
  }

  /** Where the record begins; of `count` where the first byte lies that is of no record. */
  offset(record: number): number {
    return (this.#words[record * rowWords] ?? 0) % uncheckedBit;
  }

  /** Whether the checksum of its body is the caller's to compare. */
  isUnchecked(record: number): boolean {
    return (this.#words[record * rowWords] ?? 0) >= uncheckedBit;
  }

  kind(record: number): number {
    return (this.#words[record * rowWords + 1] ?? 0) & 255;
  }

  codec(record: number): number {
    return (this.#words[record * rowWords + 1] ?? 0) >>> 8;
  }

  shardId(record: number): number {
    const at = record * rowWords + 2;
    return (this.#words[at] ?? 0) + (this.#words[at + 1] ?? 0) * halfWord;
  }

  sequence(record: number): number {
    const at = record * rowWords + 4;
    return (this.#words[at] ?? 0) + (this.#words[at + 1] ?? 0) * halfWord;
  }

  bitmapBytes(record: number): number {
    return this.#words[record * rowWords + 6] ?? 0;
  }

  payloadBytes(record: number): number {
    return this.#words[record * rowWords + 7] ?? 0;
  }
}

export class RecordScan {
  readonly #kernel: StoreKernel;
  #at = 0;
  #outAt = 0;

  constructor(kernel: StoreKernel) {
    this.#kernel = kernel;
  }

  /** Those that `bytes` begin with, which are `scanBytesMax` at most. They hold as the bytes do. */
  list(bytes: Uint8Array, { magic, salt }: RecordForm): ScannedRecords {
    const kernel = this.#kernel;
    const recordsMax = Math.floor(bytes.length / recordHeadBytes) + 1;
    const bytesEnd = paddedTo8(bytes.length);
    // Rows of what is found, then places of what is gathered and the records themselves, each with 14 bytes more at most.
    const rowsBytes = recordsMax * rowWords * 4;
    const gatheredBytes = recordsMax * 4 + bytes.length + recordsMax * 14;
    this.#at = kernel.scratch(bytesEnd + rowsBytes + gatheredBytes);
    this.#outAt = this.#at + bytesEnd + rowsBytes;
    const out = this.#at + bytesEnd;
    kernel.bytes(this.#at, bytes.length).set(bytes);
    const count = kernel.exports.listRecords(this.#at, bytes.length, magic, salt, largeBytes, out);
    const words = kernel.words(out, count * rowWords + 1).slice();
    return new ScannedRecords(bytes, words, count);
  }

  /**
   * Copies of some records of the list that was made last, at these offsets, one behind the other as they come, with bitmap and payload padded to 8
   * bytes. Nobody has used the kernel since.
   */
  gather(offsets: readonly number[]): Uint8Array {
    const kernel = this.#kernel;
    kernel.words(this.#outAt, offsets.length).set(offsets);
    const out = paddedTo8(this.#outAt + offsets.length * 4);
    const lengthBytes = kernel.exports.gatherRecords(this.#at, this.#outAt, offsets.length, out);
    return kernel.bytes(out, lengthBytes).slice();
  }
}

function paddedTo8(lengthBytes: number): number {
  return (lengthBytes + 7) & ~7;
}
