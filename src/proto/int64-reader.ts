/**
 * The one place where 64-bit integers of messages meet JavaScript: protobufjs reads them as doubles, which lose bits
 * beyond 2^53, and writes a BigInt as 0 without a word.
 * - Read, a value is a number where that is exact and a BigInt elsewhere.
 * - Written, it is a number where that is exact and its two halves elsewhere (`wireInt64`).
 */
import protobuf from 'protobufjs/minimal.js';
import { textOfWire } from './wire-text.ts';

const { Reader } = protobuf;

export interface Halves {
  readonly low: number;
  readonly high: number;
  readonly unsigned: boolean;
}

/** An int64 or uint64 as the generated code takes it. Throws RangeError for what is neither. */
export function wireInt64(value: number | bigint): number | Halves {
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value)) throw new RangeError(`not an exact integer: ${value}`);
    return value;
  }
  if (value < -(2n ** 63n) || value >= 2n ** 64n) throw new RangeError(`beyond 64 bits: ${value}`);
  const isSafe = value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER;
  if (isSafe) return Number(value);
  const low = Number(BigInt.asIntN(32, value));
  const high = Number(BigInt.asIntN(32, value >> 32n));
  return { low, high, unsigned: value > 0n };
}

/** What the base class says it gives. */
type Long = ReturnType<protobuf.Reader['uint64']>;

const varintBytesMax = 10;

export class Int64Reader extends Reader {
  override stringVerify(): string {
    return textOfWire(super.stringVerify());
  }

  override int64(): Long {
    return signed(this.#bits()) as unknown as Long;
  }

  override uint64(): Long {
    return unsigned(this.#bits()) as unknown as Long;
  }

  /** Low and high 32 bits of the varint at hand. */
  #bits(): readonly [low: number, high: number] {
    let low = 0;
    let high = 0;
    for (let i = 0; i < varintBytesMax; i++) {
      if (this.pos >= this.len) throw new RangeError('a varint is cut short');
      const byte = this.buf[this.pos++] ?? 0;
      const bits = byte & 0x7f;
      if (i < 4) low |= bits << (7 * i);
      else if (i === 4) {
        low |= bits << 28;
        high |= bits >>> 4;
      } else high |= bits << (7 * i - 32);
      if (byte < 0x80) return [low >>> 0, high >>> 0];
    }
    throw new RangeError('a varint does not end');
  }
}

function unsigned([low, high]: readonly [number, number]): number | bigint {
  if (high < 0x20_0000) return high * 2 ** 32 + low;
  return (BigInt(high) << 32n) | BigInt(low);
}

function signed([low, high]: readonly [number, number]): number | bigint {
  const top = high | 0;
  if (top >= -0x20_0000 && top < 0x20_0000) {
    const value = top * 2 ** 32 + low;
    if (Number.isSafeInteger(value)) return value;
  }
  return (BigInt(top) << 32n) | BigInt(low);
}
