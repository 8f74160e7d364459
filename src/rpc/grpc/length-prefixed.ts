/**
 * Messages on a gRPC stream: a byte that says whether the message is compressed (never, here), its length as u32 big
 * endian, the message.
 * - No byte is taken before the length is known and allowed, and memory only for bytes that have come.
 */
import { Buffer } from 'node:buffer';
import { copyBytes } from '../../base/copy-bytes.ts';
import { DbError } from '../../base/errors.ts';

const prefixBytes = 5;

/** The message as it goes out: the prefix alone where a copy of the message would cost more than a second write. */
export function prefixed(message: Uint8Array): readonly Buffer[] {
  const isSmall = message.length <= 16_384;
  const first = Buffer.allocUnsafe(isSmall ? prefixBytes + message.length : prefixBytes);
  first[0] = 0;
  first.writeUInt32BE(message.length, 1);
  if (!isSmall) return [first, bufferOf(message)];
  first.set(message, prefixBytes);
  return [first];
}

export function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Puts messages together from what comes in. */
export class MessageReader {
  readonly #lengthBytesMax: number;
  #parts: Buffer[] = [];
  #heldBytes = 0;
  /** Where the bytes of the message under way go, as far as it is filled. */
  #gathered: { readonly memory: Uint8Array; filledBytes: number } | undefined;
  /** Of the message under way; -1 until its prefix is whole. */
  #lengthBytes = -1;

  constructor(lengthBytesMax: number) {
    this.#lengthBytesMax = lengthBytesMax;
  }

  /** Bytes of a message that is not whole yet. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Bytes that the message under way will have; 0 while that is not known. */
  get announcedBytes(): number {
    return Math.max(0, this.#lengthBytes);
  }

  /** Whether take() would give a message. */
  get hasMessage(): boolean {
    return this.#lengthBytes >= 0 && this.#heldBytes >= this.#lengthBytes;
  }

  /** Has the rest of the message under way, whose length is known, put together in `memory`; nothing is to come behind it. */
  gatherIn(memory: Uint8Array): void {
    this.#gathered = { memory, filledBytes: 0 };
    for (const part of this.#parts) this.#gather(part);
    this.#parts = [];
  }

  /** Throws as take() does. */
  push(part: Buffer): void {
    this.#heldBytes += part.length;
    if (this.#gathered !== undefined) {
      this.#gather(part);
      return;
    }
    this.#parts.push(part);
    this.#readPrefix();
  }

  /** The next whole message. Throws `too_large` as soon as a longer one is announced, `unsupported` for a compressed one. */
  take(): Uint8Array | undefined {
    this.#readPrefix();
    if (!this.hasMessage) return undefined;
    if (this.#gathered !== undefined) {
      this.#heldBytes -= this.#lengthBytes;
      return this.#gathered.memory.subarray(0, this.#lengthBytes);
    }
    const message = this.#cut(this.#lengthBytes);
    this.#lengthBytes = -1;
    return message;
  }

  /** What is beyond the message is only counted: its reader refuses that. */
  #gather(part: Buffer): void {
    if (this.#gathered === undefined) return;
    const { memory, filledBytes } = this.#gathered;
    const taken = part.subarray(0, memory.length - filledBytes);
    copyBytes(memory, taken, filledBytes);
    this.#gathered.filledBytes += taken.length;
  }

  #readPrefix(): void {
    if (this.#lengthBytes >= 0 || this.#heldBytes < prefixBytes) return;
    const prefix = this.#cut(prefixBytes);
    if (prefix[0] !== 0) throw new DbError('unsupported', 'compressed messages are not supported');
    const lengthBytes = prefix.readUInt32BE(1);
    if (lengthBytes > this.#lengthBytesMax) {
      const text = `a message of ${lengthBytes} bytes is longer than the ${this.#lengthBytesMax} that are allowed`;
      throw new DbError('too_large', text);
    }
    this.#lengthBytes = lengthBytes;
  }

  #cut(lengthBytes: number): Buffer {
    const [first] = this.#parts;
    this.#heldBytes -= lengthBytes;
    if (first !== undefined && first.length > lengthBytes) {
      this.#parts[0] = first.subarray(lengthBytes);
      return first.subarray(0, lengthBytes);
    }
    if (first !== undefined && first.length === lengthBytes) return this.#parts.shift() ?? first;
    const all = Buffer.concat(this.#parts);
    this.#parts = all.length > lengthBytes ? [all.subarray(lengthBytes)] : [];
    return all.subarray(0, lengthBytes);
  }
}
