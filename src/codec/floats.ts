import { DbError } from '../base/errors.ts';

/**
 * Floats of a TSM block: XOR with the one before (Pelkonen and others 2015, Gorilla), ended by a NaN that no point holds.
 * The count of leading zeros wraps at 32, as the reference's does.
 */
const gorilla = 1;
const endHigh = 0x7ff80000;
const endLow = 1;

export function encodeFloats(values: Float64Array): Uint8Array {
  const writer = new BitWriter(values.length * 10 + 24);
  writer.bits(gorilla << 4, 8);
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length * 2);
  let beforeLow = words[0] ?? 0;
  let beforeHigh = words[1] ?? 0;
  writer.bits(beforeHigh, 32);
  writer.bits(beforeLow, 32);
  let leading = -1;
  let trailing = 0;
  for (let i = 1; i <= values.length; i++) {
    const isEnd = i === values.length;
    const low = isEnd ? endLow : (words[i * 2] ?? 0);
    const high = isEnd ? endHigh : (words[i * 2 + 1] ?? 0);
    const xorLow = (low ^ beforeLow) >>> 0;
    const xorHigh = (high ^ beforeHigh) >>> 0;
    beforeLow = low;
    beforeHigh = high;
    if (xorLow === 0 && xorHigh === 0) {
      writer.bits(0, 1);
      continue;
    }
    const zeros = xorHigh === 0 ? 32 + Math.clz32(xorLow) : Math.clz32(xorHigh);
    const lead = zeros & 31;
    const tail = xorLow === 0 ? 32 + trailingZeros(xorHigh) : trailingZeros(xorLow);
    if (leading >= 0 && lead >= leading && tail >= trailing) writer.bits(2, 2);
    else {
      leading = lead;
      trailing = tail;
      writer.bits(3, 2);
      writer.bits(lead, 5);
      writer.bits((64 - lead - tail) & 63, 6);
    }
    writer.wide(xorHigh, xorLow, { trailing, count: 64 - leading - trailing });
  }
  return writer.finish();
}

export function decodeFloats(bytes: Uint8Array, count: number): Float64Array {
  const reader = new BitReader(bytes);
  if (reader.bits(8) >>> 4 !== gorilla) throw new DbError('corrupt', 'unknown encoding of floats');
  const values = new Float64Array(count);
  const words = new Uint32Array(values.buffer);
  let high = reader.bits(32);
  let low = reader.bits(32);
  let leading = 0;
  let size = 64;
  for (let i = 0; i < count; i++) {
    if (i > 0 && reader.bits(1) === 1) {
      if (reader.bits(1) === 1) {
        leading = reader.bits(5);
        size = reader.bits(6) || 64;
      }
      const trailing = 64 - leading - size;
      if (trailing < 0) throw new DbError('corrupt', 'a float block has impossible widths');
      const part = size > 32 ? reader.bits(size - 32) : 0;
      const rest = reader.bits(Math.min(32, size));
      if (trailing === 0) {
        high ^= part;
        low ^= rest;
      } else if (trailing < 32) {
        high ^= (part << trailing) | (rest >>> (32 - trailing));
        low ^= rest << trailing;
      } else high ^= rest << (trailing - 32);
    }
    words[i * 2] = low >>> 0;
    words[i * 2 + 1] = high >>> 0;
  }
  return values;
}

function trailingZeros(value: number): number {
  return 31 - Math.clz32(value & -value);
}

class BitWriter {
  #bytes: Uint8Array;
  #at = 0;
  /** Free bits of the byte at hand. */
  #free = 8;

  constructor(capacity: number) {
    this.#bytes = new Uint8Array(capacity);
  }

  /** The lowest `count` bits of `value`, at most 32. */
  bits(value: number, count: number): void {
    let left = count;
    while (left > 0) {
      const take = Math.min(left, this.#free);
      const part = (value >>> (left - take)) & ((1 << take) - 1);
      this.#bytes[this.#at] = (this.#bytes[this.#at] ?? 0) | (part << (this.#free - take));
      this.#free -= take;
      left -= take;
      if (this.#free === 0) {
        this.#at++;
        this.#free = 8;
      }
    }
  }

  /** `count` bits of a 64-bit value behind its `trailing` lowest ones. */
  wide(high: number, low: number, { trailing, count }: { trailing: number; count: number }): void {
    let [h, l] = [high, low];
    if (trailing >= 32) [h, l] = [0, high >>> (trailing - 32)];
    else if (trailing > 0)
      [h, l] = [high >>> trailing, (low >>> trailing) | (high << (32 - trailing))];
    if (count > 32) this.bits(h, count - 32);
    this.bits(l >>> 0, Math.min(32, count));
  }

  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#free === 8 ? this.#at : this.#at + 1);
  }
}

class BitReader {
  readonly #bytes: Uint8Array;
  #at = 0;
  #left = 8;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  bits(count: number): number {
    let value = 0;
    let left = count;
    while (left > 0) {
      const byte = this.#bytes[this.#at];
      if (byte === undefined) throw new DbError('corrupt', 'a block is cut short');
      const take = Math.min(left, this.#left);
      const part = (byte >>> (this.#left - take)) & ((1 << take) - 1);
      value = take === 32 ? part : (value << take) | part;
      this.#left -= take;
      left -= take;
      if (this.#left === 0) {
        this.#at++;
        this.#left = 8;
      }
    }
    return value >>> 0;
  }
}
