/** Bytes one behind the other, in a buffer that grows by doubling and is used again. Numbers are little-endian. */
import { copyBytes } from './copy-bytes.ts';

const bytesFirst = 1 << 12;

/** Where buffers come from, and where they go once there is a larger one. */
export interface ByteLender {
  lend(lengthBytes: number): Uint8Array;
  giveBack(bytes: Uint8Array): void;
}

const collected: ByteLender = {
  lend: (lengthBytes) => new Uint8Array(lengthBytes),
  giveBack: () => undefined,
};

export class GrowingBytes {
  readonly #lender: ByteLender;
  #bytes: Uint8Array;
  lengthBytes = 0;

  /** Without a lender buffers are the collector's. */
  constructor(firstBytes = bytesFirst, lender: ByteLender = collected) {
    this.#lender = lender;
    this.#bytes = lender.lend(firstBytes);
  }

  /** Gives its buffer back: nobody looks at it, or pushes, any more. */
  release(): void {
    this.#lender.giveBack(this.#bytes);
    this.#bytes = new Uint8Array(0);
    this.lengthBytes = 0;
  }

  /** Holds until the next push. */
  view(): Uint8Array {
    return this.#bytes.subarray(0, this.lengthBytes);
  }

  clear(): void {
    this.lengthBytes = 0;
  }

  push(bytes: Uint8Array): void {
    this.#room(bytes.length);
    copyBytes(this.#bytes, bytes, this.lengthBytes);
    this.lengthBytes += bytes.length;
  }

  /** Bytes [start, end) of a larger array, without a view of them. */
  pushPart(bytes: Uint8Array, start: number, end: number): void {
    this.#room(end - start);
    let at = this.lengthBytes;
    for (let i = start; i < end; i++) this.#bytes[at++] = bytes[i] ?? 0;
    this.lengthBytes = at;
  }

  u8(value: number): void {
    this.#room(1);
    this.#bytes[this.lengthBytes++] = value;
  }

  u32(value: number): void {
    this.#room(4);
    for (let shift = 0; shift < 32; shift += 8) this.#bytes[this.lengthBytes++] = value >>> shift;
  }

  /** Seven bits a byte, the lowest first; below 2^32. */
  varint(value: number): void {
    this.#room(5);
    let rest = value;
    while (rest > 127) {
      this.#bytes[this.lengthBytes++] = (rest & 127) | 128;
      rest >>>= 7;
    }
    this.#bytes[this.lengthBytes++] = rest;
  }

  #room(more: number): void {
    const needed = this.lengthBytes + more;
    if (needed <= this.#bytes.length) return;
    const grown = this.#lender.lend(Math.max(needed, this.#bytes.length * 2));
    copyBytes(grown, this.view());
    this.#lender.giveBack(this.#bytes);
    this.#bytes = grown;
  }
}

/** Reads what GrowingBytes has written, front to back. Past the end numbers are 0 and `isOver` is true. */
export class BytesCursor {
  readonly bytes: Uint8Array;
  at: number;
  isOver = false;

  constructor(bytes: Uint8Array, at = 0) {
    this.bytes = bytes;
    this.at = at;
  }

  u8(): number {
    const byte = this.bytes[this.at++];
    if (byte === undefined) this.isOver = true;
    return byte ?? 0;
  }

  u32(): number {
    let value = 0;
    for (let shift = 0; shift < 32; shift += 8) value |= this.u8() << shift;
    return value >>> 0;
  }

  varint(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.u8();
      value |= (byte & 127) << shift;
      if (byte < 128) return value >>> 0;
    }
    this.isOver = true;
    return 0;
  }

  /** A view of the next bytes. */
  take(lengthBytes: number): Uint8Array {
    const end = this.at + lengthBytes;
    if (end > this.bytes.length) {
      this.isOver = true;
      return new Uint8Array(0);
    }
    this.at = end;
    return this.bytes.subarray(end - lengthBytes, end);
  }
}
