/** The parts of a point batch one after the other. Whatever the bytes are, nothing past their end is read. */
import { DbError } from '../base/errors.ts';
import type { TextColumn } from './batch-columns.ts';

export function paddedTo8(lengthBytes: number): number {
  return (lengthBytes + 7) & ~7;
}

export function damagedBatch(): DbError {
  return new DbError('corrupt', 'point batch: lengths do not add up');
}

export class BatchReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  /** Where it is, in bytes behind the first of the batch. */
  get at(): number {
    return this.#at;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  moveTo(at: number): void {
    this.#at = at;
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  /** A count of things that take at least four bytes each. */
  count(): number {
    const count = this.u32();
    if (count * 4 > this.#bytes.length - this.#at) throw damagedBatch();
    return count;
  }

  i64(): bigint {
    return this.#view.getBigInt64(this.#take(8), true);
  }

  skip(lengthBytes: number): void {
    this.#take(lengthBytes);
  }

  /** What is padded, with its padding. */
  skipPadded(lengthBytes: number): void {
    this.#takePadded(lengthBytes);
  }

  align(): void {
    this.#take(paddedTo8(this.#at) - this.#at);
  }

  u8s(count: number): Uint8Array {
    const at = this.#takePadded(count);
    return this.#bytes.subarray(at, at + count);
  }

  u32s(count: number): Uint32Array {
    const offset = this.#offset(count * 4);
    return new Uint32Array(this.#bytes.buffer, offset, count);
  }

  i64s(count: number): BigInt64Array {
    const offset = this.#offset(count * 8);
    return new BigInt64Array(this.#bytes.buffer, offset, count);
  }

  u64s(count: number): BigUint64Array {
    const offset = this.#offset(count * 8);
    return new BigUint64Array(this.#bytes.buffer, offset, count);
  }

  f64s(count: number): Float64Array {
    const offset = this.#offset(count * 8);
    return new Float64Array(this.#bytes.buffer, offset, count);
  }

  textColumn(count: number): TextColumn {
    const offsets = this.u32s(count + 1);
    for (let i = 0; i < count; i++) {
      if ((offsets[i] ?? 0) > (offsets[i + 1] ?? 0)) throw damagedBatch();
    }
    return { offsets, bytes: this.u8s(offsets[count] ?? 0) };
  }

  /** With no look at where each of them begins. */
  skipTexts(count: number): void {
    const offsets = this.u32s(count + 1);
    this.u8s(offsets[count] ?? 0);
  }

  #offset(lengthBytes: number): number {
    return this.#bytes.byteOffset + this.#takePadded(lengthBytes);
  }

  #takePadded(lengthBytes: number): number {
    // A length from damaged bytes may pass 2^31, where the padding would wrap.
    if (lengthBytes > this.#bytes.length - this.#at) throw damagedBatch();
    return this.#take(paddedTo8(lengthBytes));
  }

  #take(lengthBytes: number): number {
    const at = this.#at;
    if (lengthBytes > this.#bytes.length - at) throw damagedBatch();
    this.#at += lengthBytes;
    return at;
  }
}
