import { DbError } from '../base/errors.ts';
import { planWindows, type Zeros } from './float-windows.ts';

/**
 * Floats of a TSM block: XOR with the one before (Pelkonen and others 2015, Gorilla), ended by a NaN that no point holds. The
 * windows in which changes are written can be chosen better than the reference does (float-windows.ts).
 */
const gorilla = 1;
const endHigh = 0x7ff80000;
const endLow = 1;

/** Packed quickly, or as closely as can be. */
export function encodeFloats(values: Float64Array, isClose = false): Uint8Array {
  const writer = new BitWriter(values.length * 10 + 24);
  writer.bits(gorilla << 4, 8);
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length * 2);
  const changes = [...changesOf(words)];
  const windows = planWindows(zerosOf(changes.filter(isChange)), isClose);
  writer.bits(words[1] ?? 0, 32);
  writer.bits(words[0] ?? 0, 32);
  let { lead, tail } = { lead: 0, tail: 0 };
  let planned = 0;
  for (const change of changes) {
    if (!isChange(change)) {
      writer.bits(0, 1);
      continue;
    }
    const opened = windows[planned++];
    if (opened === undefined) writer.bits(2, 2);
    else {
      ({ lead, tail } = opened);
      writer.bits(3, 2);
      writer.bits(lead, 5);
      writer.bits((64 - lead - tail) & 63, 6);
    }
    writer.wide(change.high, change.low, { trailing: tail, count: 64 - lead - tail });
  }
  return writer.finish();
}

/** The bits in which a value differs from the one before, in two halves. */
interface Change {
  readonly high: number;
  readonly low: number;
}

function isChange({ high, low }: Change): boolean {
  return high !== 0 || low !== 0;
}

/** Of each value but the first, and of the one that ends them. */
function* changesOf(words: Uint32Array): Generator<Change> {
  for (let i = 2; i <= words.length; i += 2) {
    const [low, high] = i === words.length ? [endLow, endHigh] : [words[i] ?? 0, words[i + 1] ?? 0];
    yield {
      high: (high ^ (words[i - 1] ?? 0)) >>> 0,
      low: (low ^ (words[i - 2] ?? 0)) >>> 0,
    };
  }
}

function zerosOf(changes: readonly Change[]): Zeros {
  const leads = changes.map(({ high, low }) => high === 0 ? 32 + Math.clz32(low) : Math.clz32(high)); // prettier-ignore
  const tails = changes.map(({ high, low }) => low === 0 ? 32 + trailingZeros(high) : trailingZeros(low)); // prettier-ignore
  return { leads: Uint8Array.from(leads), tails: Uint8Array.from(tails) };
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
