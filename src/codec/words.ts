/**
 * 64-bit integers as pairs of 32-bit words, little-endian views of BigInt64Array: arithmetic without a BigInt per value.
 * Deltas are doubles; they are exact below 2^53, and encoders fall back to raw blocks for larger ones.
 */
export const exactMax = 2 ** 53;
const word = 2 ** 32;

export function wordsOf(values: BigInt64Array | BigUint64Array | Float64Array): Uint32Array {
  return new Uint32Array(values.buffer, values.byteOffset, values.length * 2);
}

/** values[i] - values[i - 1] for i >= 1, as two's complement wraps; an inexact one is at least 2^53 in magnitude. */
export function deltaAt(words: Uint32Array, i: number): number {
  const low = (words[i * 2] ?? 0) - (words[i * 2 - 2] ?? 0);
  const high = ((words[i * 2 + 1] ?? 0) | 0) - ((words[i * 2 - 1] ?? 0) | 0);
  return high * word + low;
}

/** words[i] = words[i - 1] + delta, for an exact delta. */
export function addDelta(words: Uint32Array, i: number, delta: number): void {
  const high = Math.floor(delta / word);
  const low = (words[i * 2 - 2] ?? 0) + (delta - high * word);
  words[i * 2] = low;
  words[i * 2 + 1] = (words[i * 2 - 1] ?? 0) + high + (low >= word ? 1 : 0);
}

export function zigzag(value: number): number {
  return value < 0 ? -value * 2 - 1 : value * 2;
}

export function unzigzag(value: number): number {
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
}

export function zigzagBig(value: bigint): bigint {
  return BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));
}

export function unzigzagBig(value: bigint): bigint {
  return BigInt.asIntN(64, (value >> 1n) ^ -(value & 1n));
}
