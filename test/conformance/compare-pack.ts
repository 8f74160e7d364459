import { exactTextIn } from '../../src/base/exact-text.ts';
import { Buffer } from 'node:buffer';

export const packType = 'application/x-msgpack';

/** A MessagePack body (as base64) as JSON documents; floats have an exponent, times a `T`, so that no two kinds look alike. */
export function packAsJson(base64: string): string {
  const reader = new PackReader(Buffer.from(base64, 'base64'));
  const documents: string[] = [];
  while (!reader.isDone) documents.push(reader.value());
  return documents.join('\n');
}

/** The kinds that answers are made of. */
class PackReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get isDone(): boolean {
    return this.#at >= this.#bytes.length;
  }

  value(): string {
    const head = this.#bytes.readUInt8(this.#at++);
    if (head < 0x80) return String(head);
    if (head >= 0xe0) return String(head - 0x100);
    if (head < 0x90) return this.#map(head & 0x0f);
    if (head < 0xa0) return this.#list(head & 0x0f);
    if (head < 0xc0) return this.#text(head & 0x1f);
    switch (head) {
      case 0xc0:
        return 'null';
      case 0xc2:
        return 'false';
      case 0xc3:
        return 'true';
      case 0xc7: {
        const length = this.#number(1);
        return this.#time(length);
      }
      case 0xca:
        return floatText(this.#bytes.readFloatBE(this.#skip(4)));
      case 0xcb:
        return floatText(this.#bytes.readDoubleBE(this.#skip(8)));
      case 0xcc:
      case 0xcd:
      case 0xce:
        return String(this.#number(1 << (head - 0xcc)));
      case 0xcf:
        return String(this.#bytes.readBigUInt64BE(this.#skip(8)));
      case 0xd0:
      case 0xd1:
      case 0xd2: {
        const size = 1 << (head - 0xd0);
        return String(this.#bytes.readIntBE(this.#skip(size), size));
      }
      case 0xd3:
        return String(this.#bytes.readBigInt64BE(this.#skip(8)));
      case 0xd6:
      case 0xd7:
        return this.#time(head === 0xd6 ? 4 : 8);
      case 0xd9:
      case 0xda:
      case 0xdb:
        return this.#text(this.#number(1 << (head - 0xd9)));
      case 0xdc:
      case 0xdd:
        return this.#list(this.#number(head === 0xdc ? 2 : 4));
      case 0xde:
      case 0xdf:
        return this.#map(this.#number(head === 0xde ? 2 : 4));
      default:
        throw new Error(`byte ${head} opens no value of an answer`);
    }
  }

  #skip(size: number): number {
    const at = this.#at;
    this.#at += size;
    return at;
  }

  #number(size: number): number {
    return this.#bytes.readUIntBE(this.#skip(size), size);
  }

  #text(length: number): string {
    const at = this.#skip(length);
    return JSON.stringify(exactTextIn(this.#bytes, at, at + length));
  }

  #list(length: number): string {
    return `[${Array.from({ length }, () => this.value()).join(',')}]`;
  }

  #map(length: number): string {
    const entries = Array.from({ length }, () => {
      const key = this.value();
      return `${key}:${this.value()}`;
    });
    return `{${entries.join(',')}}`;
  }

  /** A time of any length: its bytes say it. */
  #time(length: number): string {
    const at = this.#skip(length + 1);
    return `"T${this.#bytes.toString('hex', at, at + length + 1)}"`;
  }
}

function floatText(value: number): string {
  return Number.isFinite(value) ? value.toExponential() : `"${value}"`;
}
