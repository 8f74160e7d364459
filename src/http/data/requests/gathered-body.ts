/**
 * The bytes of one body as they come, in one buffer that is lent for them: of an announced length at once, as far as that is
 * believed, and else ever larger ones.
 */
import { Buffer } from 'node:buffer';
import { copyBytes } from '../../../base/copy-bytes.ts';
import { MiB } from '../../../base/units.ts';

/** Of an announced length that much is believed before it has come. */
const announcedBytesMax = 2 * MiB;
/** Room that is made at least. */
const roomBytesMin = 1_024;

/** Where bodies are put together. What is lent comes back when the body is not to be. */
export interface BodyBuffers {
  lend(lengthBytes: number): Uint8Array;
  giveBack(bytes: Uint8Array): void;
}

/** Of each body its own, which the collector takes. */
export const ownBuffers: BodyBuffers = {
  lend: (lengthBytes) => Buffer.allocUnsafeSlow(lengthBytes),
  giveBack: () => undefined,
};

export class GatheredBody {
  readonly #buffers: BodyBuffers;
  readonly #announced: number;
  #bytes: Uint8Array;
  #lengthBytes = 0;

  /** 0 for a length that nobody has announced. */
  constructor(buffers: BodyBuffers, announced: number) {
    this.#buffers = buffers;
    this.#announced = announced;
    this.#bytes = buffers.lend(Math.min(announced, announcedBytesMax));
  }

  get lengthBytes(): number {
    return this.#lengthBytes;
  }

  add(piece: Uint8Array): void {
    this.#reserve(this.#lengthBytes + piece.length);
    copyBytes(this.#bytes, piece, this.#lengthBytes);
    this.#lengthBytes += piece.length;
  }

  /** For bytes that are put there by others; never more than are announced. */
  room(): Uint8Array {
    if (this.#lengthBytes === this.#bytes.length) this.#reserve(this.#lengthBytes + roomBytesMin);
    return this.#bytes.subarray(this.#lengthBytes, this.#announced);
  }

  /** So many bytes were put there. */
  took(lengthBytes: number): void {
    this.#lengthBytes += lengthBytes;
  }

  /** All of it, the caller's to give back. */
  finish(): Buffer {
    return Buffer.from(this.#bytes.buffer, this.#bytes.byteOffset, this.#lengthBytes);
  }

  /** It is not to be. */
  drop(): void {
    this.#buffers.giveBack(this.#bytes);
  }

  #reserve(neededBytes: number): void {
    if (neededBytes <= this.#bytes.length) return;
    const doubled = Math.max(neededBytes, this.#bytes.length * 2);
    const larger = this.#buffers.lend(this.#announced >= neededBytes ? this.#announced : doubled);
    copyBytes(larger, this.#bytes.subarray(0, this.#lengthBytes));
    this.#buffers.giveBack(this.#bytes);
    this.#bytes = larger;
  }
}
