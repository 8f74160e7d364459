import { DbError } from '../base/errors.ts';

/** Go's unsigned varint: seven bits a byte, lowest first. */
export function putUvarint(out: number[], value: bigint): void {
  let rest = value;
  while (rest >= 0x80n) {
    out.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  out.push(Number(rest));
}

/** Reads forward; every step throws `corrupt` past the end. */
export class ByteReader {
  readonly bytes: Uint8Array;
  at = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  u8(): number {
    const byte = this.bytes[this.at];
    if (byte === undefined) throw new DbError('corrupt', 'a block is cut short');
    this.at++;
    return byte;
  }

  u64(): bigint {
    let value = 0n;
    for (let i = 0; i < 8; i++) value = (value << 8n) | BigInt(this.u8());
    return value;
  }

  uvarint(): bigint {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      if (shift > 63n) throw new DbError('corrupt', 'a varint is too long');
      const byte = this.u8();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  }

  /** A count that is checked before memory is taken for it. */
  count(): number {
    const value = this.uvarint();
    if (value > 1_000_000n) throw new DbError('corrupt', 'a block has too many values');
    return Number(value);
  }

  rest(): Uint8Array {
    return this.bytes.subarray(this.at);
  }

  take(lengthBytes: number): Uint8Array {
    if (this.at + lengthBytes > this.bytes.length)
      throw new DbError('corrupt', 'a block is cut short');
    this.at += lengthBytes;
    return this.bytes.subarray(this.at - lengthBytes, this.at);
  }
}

export function joinBytes(...parts: readonly (Uint8Array | readonly number[])[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** Eight bytes, the highest first. */
export function bigEndian(value: bigint): Uint8Array {
  const out = new Uint8Array(8);
  new DataView(out.buffer).setBigUint64(0, BigInt.asUintN(64, value));
  return out;
}
