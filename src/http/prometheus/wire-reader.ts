import { exactTextOf } from '../../base/exact-text.ts';
import { DbError } from '../../base/errors.ts';

/** Protobuf's wire types; groups are not read. */
const wireTypes = { varint: 0, eightBytes: 1, bytes: 2, fourBytes: 5 } as const;

/**
 * Fields of a protobuf message one after the other: `next` goes to a field and says its number, then its value is read once
 * or passed over. Throws `invalid_argument` with the reference's texts for what is no message.
 */
export class WireReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #end: number;
  #at: number;
  #wireType = 0;

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#at = start;
    this.#end = end;
  }

  /** The number of the next field; undefined at the end of the message. */
  next(): number | undefined {
    if (this.#at >= this.#end) return undefined;
    const tag = Number(this.#varint());
    this.#wireType = tag & 7;
    if (tag >>> 3 === 0) throw corrupt(`proto: illegal tag 0 (wire type ${this.#wireType})`);
    return tag >>> 3;
  }

  /** An int64 as it is on the wire of one. */
  int64(): bigint {
    if (this.#wireType !== wireTypes.varint) throw this.#wrongType();
    return BigInt.asIntN(64, this.#varint());
  }

  double(): number {
    if (this.#wireType !== wireTypes.eightBytes) throw this.#wrongType();
    const value = this.#view.getFloat64(this.#step(8), true);
    return value;
  }

  text(): string {
    const [start, end] = this.#span();
    return exactTextOf(this.#bytes.subarray(start, end));
  }

  message(): WireReader {
    const [start, end] = this.#span();
    return new WireReader(this.#bytes, start, end);
  }

  skip(): void {
    switch (this.#wireType) {
      case wireTypes.varint:
        this.#varint();
        break;
      case wireTypes.eightBytes:
        this.#step(8);
        break;
      case wireTypes.bytes:
        this.#span();
        break;
      case wireTypes.fourBytes:
        this.#step(4);
        break;
      default:
        throw corrupt(`proto: illegal wireType ${this.#wireType}`);
    }
  }

  #span(): readonly [start: number, end: number] {
    if (this.#wireType !== wireTypes.bytes) throw this.#wrongType();
    const lengthBytes = this.#varint();
    if (lengthBytes > BigInt(this.#end)) throw corrupt('unexpected EOF');
    const start = this.#step(Number(lengthBytes));
    return [start, this.#at];
  }

  /** Where the bytes passed over begin. */
  #step(lengthBytes: number): number {
    const start = this.#at;
    if (start + lengthBytes > this.#end) throw corrupt('unexpected EOF');
    this.#at += lengthBytes;
    return start;
  }

  #varint(): bigint {
    // Most are small: those need no bigint arithmetic.
    let low = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.#bytes[this.#step(1)] ?? 0;
      low |= (byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt(low);
    }
    let value = BigInt(low);
    for (let shift = 28n; shift < 70n; shift += 7n) {
      const byte = this.#bytes[this.#step(1)] ?? 0;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw corrupt('proto: integer overflow');
  }

  #wrongType(): DbError {
    return corrupt(`proto: wrong wireType = ${this.#wireType}`);
  }
}

function corrupt(text: string): DbError {
  return new DbError('invalid_argument', text);
}
