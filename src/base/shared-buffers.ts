/**
 * Bytes that are used again and again: bodies on their way to a worker and batches on their way to the log. They are shared
 * memory, which crosses threads without being moved or copied, and of which the collector knows nothing: a quarter of a
 * megabyte that is allocated for each body costs more in collections than the body does in work.
 *
 * Invariants:
 * - What was lent is lent to nobody else until it is given back; what is never given back is the collector's.
 * - What waits to be lent again is at most `keptBytesMax`.
 */
import { KiB } from './units.ts';

const sizeBytesMin = 1 * KiB;

export class SharedBuffers {
  readonly #keptBytesMax: number;
  /** By the logarithm of their size, the one given back last at the end. */
  readonly #free: SharedArrayBuffer[][] = [];
  readonly #lent = new WeakSet<SharedArrayBuffer>();
  #keptBytes = 0;

  constructor(keptBytesMax: number) {
    this.#keptBytesMax = keptBytesMax;
  }

  get keptBytes(): number {
    return this.#keptBytes;
  }

  /** So many bytes at the least, whatever they are: all of the memory that is lent, from its start. */
  lend(lengthBytes: number): Uint8Array<SharedArrayBuffer> {
    const order = orderOf(lengthBytes);
    const kept = this.#free[order]?.pop();
    if (kept !== undefined) this.#keptBytes -= kept.byteLength;
    const buffer = kept ?? new SharedArrayBuffer(2 ** order);
    this.#lent.add(buffer);
    return new Uint8Array(buffer);
  }

  /** Takes back what `bytes` are a part of: nobody may look at it any more. What was not lent here is left alone. */
  giveBack({ buffer }: Uint8Array): void {
    if (!(buffer instanceof SharedArrayBuffer) || !this.#lent.delete(buffer)) return;
    if (this.#keptBytes + buffer.byteLength > this.#keptBytesMax) return;
    this.#keptBytes += buffer.byteLength;
    (this.#free[orderOf(buffer.byteLength)] ??= []).push(buffer);
  }
}

function orderOf(lengthBytes: number): number {
  return Math.ceil(Math.log2(Math.max(lengthBytes, sizeBytesMin)));
}
