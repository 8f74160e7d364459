/**
 * Headers between nodes: each as HPACK (RFC 7541) has one that nobody is to remember, its name and value written out. So a block means
 * the same on every connection and at any time, and whoever gets the same bytes again need not read them again.
 */
import { Buffer } from 'node:buffer';
import { FrameError, streamCodes } from './frames.ts';

export type Headers = Readonly<Record<string, string>>;

/** A literal without indexing whose name is written out. */
const literal = 0;
/** The lower bits of a length's first byte; the eighth says that a text is packed, which ours never are. */
const lengthMask = 0x7f;

export function encodeHeaders(headers: Headers): Buffer {
  const parts: Buffer[] = [];
  for (const [name, value] of Object.entries(headers)) {
    parts.push(Buffer.of(literal));
    for (const text of [name, value]) {
      const bytes = Buffer.from(text, 'latin1');
      parts.push(lengthOf(bytes.length), bytes);
    }
  }
  return Buffer.concat(parts);
}

/** Throws `FrameError` for any other form of a header. */
export function decodeHeaders(block: Buffer): Headers {
  const headers: Record<string, string> = {};
  const reader = new BlockReader(block);
  while (!reader.isAtEnd) {
    if (reader.byte() !== literal) throw new FrameError(streamCodes.compression, 'a header in another form'); // prettier-ignore
    const name = reader.text();
    headers[name] = reader.text();
  }
  return headers;
}

function lengthOf(length: number): Buffer {
  if (length < lengthMask) return Buffer.of(length);
  const bytes = [lengthMask];
  let left = length - lengthMask;
  for (; left >= 128; left = Math.floor(left / 128)) bytes.push((left % 128) + 128);
  return Buffer.from([...bytes, left]);
}

class BlockReader {
  readonly #block: Buffer;
  #at = 0;

  constructor(block: Buffer) {
    this.#block = block;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#block.length;
  }

  byte(): number {
    const byte = this.#block[this.#at++];
    if (byte === undefined) throw new FrameError(streamCodes.compression, 'headers cut short');
    return byte;
  }

  text(): string {
    const end = this.#length() + this.#at;
    if (end > this.#block.length)
      throw new FrameError(streamCodes.compression, 'a header beyond its block');
    const text = this.#block.toString('latin1', this.#at, end);
    this.#at = end;
    return text;
  }

  #length(): number {
    const first = this.byte();
    if (first > lengthMask)
      throw new FrameError(streamCodes.compression, 'a header that is packed');
    if (first < lengthMask) return first;
    let length = lengthMask;
    // More bytes than any block has.
    for (let unit = 1; unit < 1 << 21; unit *= 128) {
      const byte = this.byte();
      length += (byte & 127) * unit;
      if (byte < 128) return length;
    }
    throw new FrameError(streamCodes.compression, 'a header of any length');
  }
}
