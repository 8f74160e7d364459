import { DbError } from '../base/errors.ts';

/**
 * Simple-8b (Anh and Moffat 2010) as TSM files have it: big-endian words of a 4-bit selector and 60 bits of values, the
 * first one lowest. Selectors 0 and 1, runs of ones, are read and not written.
 */
export const wordCounts = [240, 120, 60, 30, 20, 15, 12, 10, 8, 7, 6, 5, 4, 3, 2, 1];
export const wordBits = [0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20, 30, 60];

/** Packs values[from...], each in [0, 2^53), as many into each word as fit, or as a plan says of each. */
export function packSimple8b(values: Float64Array, from: number, plan?: Uint8Array): Uint8Array {
  const out = new Uint8Array((values.length - from) * 8);
  const view = new DataView(out.buffer);
  let at = 0;
  let i = from;
  while (i < values.length) {
    const selector = plan?.[i - from] ?? selectorAt(values, i);
    const width = wordBits[selector] ?? 60;
    const count = wordCounts[selector] ?? 1;
    let high = selector << 28;
    let low = 0;
    if (width === 60) {
      const value = values[i] ?? 0;
      low = value >>> 0;
      high |= Math.floor(value / 4294967296);
    } else {
      for (let k = 0, shift = 0; k < count; k++, shift += width) {
        const value = values[i + k] ?? 0;
        if (shift >= 32) high |= value << (shift - 32);
        else {
          low |= value << shift;
          if (shift > 0 && shift + width > 32) high |= value >>> (32 - shift);
        }
      }
    }
    view.setUint32(at, high >>> 0);
    view.setUint32(at + 4, low >>> 0);
    at += 8;
    i += count;
  }
  return out.subarray(0, at);
}

/** The selector of the most values that fit from `i` on, all slots used. */
function selectorAt(values: Float64Array, i: number): number {
  let selector = 2;
  let checked = 0;
  let width = 0;
  for (; selector < 15; selector++) {
    const count = wordCounts[selector] ?? 1;
    if (i + count > values.length) continue;
    const limit = 2 ** (wordBits[selector] ?? 60);
    for (; checked < count; checked++) {
      const value = values[i + checked] ?? 0;
      if (value > width) width = value;
      if (value >= limit) break;
    }
    if (checked >= count && width < limit) return selector;
    // What was seen beyond this selector's count bounds the next, narrower ones too.
    checked = 0;
    width = 0;
  }
  return 15;
}

/** Unpacks all of `bytes` into `out` from `from` on. Throws `corrupt` when they are more or fewer. */
export function unpackSimple8b(
  bytes: Uint8Array,
  out: BigUint64Array | Float64Array,
  from: number,
): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let i = from;
  for (let at = 0; at + 8 <= bytes.length; at += 8) {
    const high = view.getUint32(at);
    const low = view.getUint32(at + 4);
    const selector = high >>> 28;
    const width = wordBits[selector] ?? 60;
    const count = wordCounts[selector] ?? 1;
    if (i + count > out.length) throw new DbError('corrupt', 'simple8b: too many values');
    if (width === 60) put(out, i, high & 0x0fffffff, low);
    else if (width === 0) for (let k = 0; k < count; k++) put(out, i + k, 0, 1);
    else {
      const mask = 2 ** width - 1;
      for (let k = 0, shift = 0; k < count; k++, shift += width) {
        const value =
          shift >= 32
            ? high >>> (shift - 32)
            : shift === 0
              ? low
              : (low >>> shift) | (high << (32 - shift));
        put(out, i + k, 0, value & mask);
      }
    }
    i += count;
  }
  if (i !== out.length) throw new DbError('corrupt', 'simple8b: too few values');
}

function put(out: BigUint64Array | Float64Array, i: number, high: number, low: number): void {
  if (out instanceof Float64Array) out[i] = high * 4294967296 + (low >>> 0);
  else out[i] = (BigInt(high) << 32n) | BigInt(low >>> 0);
}

/** Whether a value of `bytes` may be 2^53 or more, so that doubles would not hold it. */
export function hasWideValues(bytes: Uint8Array): boolean {
  for (let at = 0; at + 8 <= bytes.length; at += 8)
    if (
      (bytes[at] ?? 0) >>> 4 === 15 &&
      (((bytes[at] ?? 0) & 15) > 0 || (bytes[at + 1] ?? 0) >= 32)
    )
      return true;
  return false;
}
