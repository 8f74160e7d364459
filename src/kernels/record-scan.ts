/**
 * Finds records of the log where they lie side by side, many with one call (assembly/records.ts).
 *
 * Not here: what the records mean (storage/wal), which there are of each shard (record-index.ts).
 */
import type { StoreKernel } from './store-kernel.ts';

/** Bytes that are looked at with one call: they fit into a processor's cache, and into half a megabyte with all that is made of them. */
export const scanBytesMax = 96 << 10;
const recordHeadBytes = 40;
/** Bodies from so many bytes on are the caller's to check: a call of Node's checksum costs less than it saves then. */
const largeBytes = 4_096;
/** Of an offset, where the body's checksum has not been compared; of a count, where one has not. */
const uncheckedBit = 2 ** 31;
const rowWords = 8;
const halfWord = 2 ** 32;

export interface RecordForm {
  /** The first four bytes of each record. */
  readonly magic: number;
  /** What the checksum of a header begins with. */
  readonly salt: number;
}

/** Where in the kernel's memory what there is of a list lies. */
export interface ScanPlaces {
  /** The bytes. */
  readonly at: number;
  readonly rows: number;
  /** A word for each record, of the index. */
  readonly ofRows: number;
  /** 24 bytes for each record, and a word for each: lists of the index. */
  readonly work: number;
  readonly listed: number;
  /** Room for the bytes with what pads their records. */
  readonly out: number;
}

/** Whole records that bytes begin with, by their numbers; they hold until the kernel does other work. */
export class ScannedRecords {
  readonly kernel: StoreKernel;
  readonly bytes: Uint8Array;
  readonly places: ScanPlaces;
  readonly count: number;
  /** Whether checksums of bodies are the caller's to compare. */
  readonly hasUnchecked: boolean;

  constructor(kernel: StoreKernel, bytes: Uint8Array, places: ScanPlaces, counted: number) {
    this.kernel = kernel;
    this.bytes = bytes;
    this.places = places;
    this.count = (counted >>> 0) % uncheckedBit;
    this.hasUnchecked = counted >>> 0 >= uncheckedBit;
  }

  /** Where the record begins; of `count` where the first byte lies that is of no record. */
  offset(record: number): number {
    return this.#word(record, 0) % uncheckedBit;
  }

  /** Whether the checksum of its body is the caller's to compare. */
  isUnchecked(record: number): boolean {
    return this.#word(record, 0) >= uncheckedBit;
  }

  kind(record: number): number {
    return this.#word(record, 1) & 255;
  }

  codec(record: number): number {
    return this.#word(record, 1) >>> 8;
  }

  shardId(record: number): number {
    return this.#word(record, 2) + this.#word(record, 3) * halfWord;
  }

  sequence(record: number): number {
    return this.#word(record, 4) + this.#word(record, 5) * halfWord;
  }

  bitmapBytes(record: number): number {
    return this.#word(record, 6);
  }

  payloadBytes(record: number): number {
    return this.#word(record, 7);
  }

  #word(record: number, word: number): number {
    return this.kernel.allWords[(this.places.rows >>> 2) + record * rowWords + word] ?? 0;
  }
}

export class RecordScan {
  readonly #kernel: StoreKernel;

  constructor(kernel: StoreKernel) {
    this.#kernel = kernel;
  }

  /** Those that `bytes` begin with, which are `scanBytesMax` at most. */
  list(bytes: Uint8Array, { magic, salt }: RecordForm): ScannedRecords {
    const kernel = this.#kernel;
    const places = this.#placesFor(bytes.length);
    kernel.bytes(places.at, bytes.length).set(bytes);
    const { at, rows } = places;
    const counted = kernel.exports.listRecords(at, bytes.length, magic, salt, largeBytes, rows);
    return new ScannedRecords(kernel, bytes, places, counted);
  }

  #placesFor(lengthBytes: number): ScanPlaces {
    const recordsMax = Math.floor(lengthBytes / recordHeadBytes) + 1;
    const sizes = [lengthBytes, (recordsMax + 1) * rowWords * 4, recordsMax * 4, recordsMax * 24, recordsMax * 4, lengthBytes + recordsMax * 14]; // prettier-ignore
    let top = this.#kernel.scratch(sizes.reduce((sum, size) => sum + paddedTo8(size), 0));
    const [at = 0, rows = 0, ofRows = 0, work = 0, listed = 0, out = 0] = sizes.map((size) => {
      const place = top;
      top += paddedTo8(size);
      return place;
    });
    return { at, rows, ofRows, work, listed, out };
  }
}

function paddedTo8(lengthBytes: number): number {
  return (lengthBytes + 7) & ~7;
}
