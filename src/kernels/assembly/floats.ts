// Floats as the shortest decimal text that reads back as the same float, in exact arithmetic. Twin: floatText() of
// query/emit/byte-writer.ts, which also takes what is left to the host: what JSON writes with an exponent or has no word for.
//
// A float is m * 2^-s, and what reads back as it lies between the middles to its neighbours. All three are scaled by 10^p to
// eighteen digits before the point; as 10^p is 5^p * 2^p, that is a product of 128 bits and a shift. Digits are taken off as
// long as the two middles still differ without them: one at the least, as so many are one more than any float needs.

import { writeEight, writeShort, writeSigned, writeUnsigned } from './digits';

@external("env", "slowText")
declare function slowText(value: f64, out: usize): u32;

/** Powers of ten that scale a float to a whole number. */
const scales = memory.data<f64>([1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000]);
const decimalsFew: u32 = 8;
const tens = memory.data<u64>([
  1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000, 10000000000, 100000000000,
  1000000000000, 10000000000000, 100000000000000, 1000000000000000, 10000000000000000, 100000000000000000,
  1000000000000000000, 10000000000000000000,
]);
const fives = memory.data<u64>([
  1, 5, 25, 125, 625, 3125, 15625, 78125, 390625, 1953125, 9765625, 48828125, 244140625, 1220703125, 6103515625,
  30517578125, 152587890625, 762939453125, 3814697265625, 19073486328125, 95367431640625,
]);

const hundredMillion: u64 = 100000000;
const mantissaBits: u64 = 52;
/** Of the exponent of a float whose mantissa is a whole number. */
const exponentBias: u32 = 1075;

/**
 * Floats of few decimals are looked for first: a whole number of up to fourteen digits by a power of ten, which is exact. What
 * is none of the greatest power is none of the others.
 */
export function writeFloat(value: f64, to: usize): usize {
  const size = Math.abs(value);
  if (size >= 1e6 && size < 1e15 && f64.trunc(value) == value) return writeSigned(<i64>value, to);
  // Not NaN, nor a text with an exponent; -0 has a sign.
  if (!(size < 1e15) || (size < 1e-3 && reinterpret<u64>(value) != 0)) return to + <usize>slowText(value, to);
  if (value < 0) store<u8>(to++, 45);
  if (size < 1e6 && isScaledBy(size, decimalsFew)) {
    let decimals: u32 = 0;
    while (!isScaledBy(size, decimals)) decimals++;
    return writeDecimals(<u64>f64.nearest(size * load<f64>(scales + (<usize>decimals << 3))), decimals, to);
  }
  return writeShortest(reinterpret<u64>(size), size, to);
}

/** Whether a float is that of a decimal with so many decimals. */
// @ts-ignore: decorator
@inline
function isScaledBy(size: f64, decimals: u32): bool {
  const scale = load<f64>(scales + (<usize>decimals << 3));
  return f64.nearest(size * scale) / scale == size;
}

/** `digits` of which so many are decimals. */
function writeDecimals(digits: u64, decimals: u32, to: usize): usize {
  const divisor = load<u64>(tens + (<usize>decimals << 3));
  const whole = digits / divisor;
  const point = whole < hundredMillion ? writeShort(<u32>whole, to) : writeUnsigned(whole, to);
  if (decimals == 0) return point;
  store<u8>(point, 46);
  let rest = digits - whole * divisor;
  let left = decimals;
  for (; left > 8; left -= 8) {
    const high = rest / hundredMillion;
    writeEight(<u32>(rest - high * hundredMillion), point + 1 + left - 8);
    rest = high;
  }
  let few = <u32>rest;
  for (let at = point + left; at > point; at--) {
    const high = few / 10;
    store<u8>(at, <u8>(48 + few - high * 10));
    few = high;
  }
  return point + 1 + decimals;
}

/** In [1e-3, 1e15). */
function writeShortest(bits: u64, size: f64, to: usize): usize {
  const fraction = bits & ((<u64>1 << mantissaBits) - 1);
  const mantissa = fraction | (<u64>1 << mantissaBits);
  const power = powerOf(size);
  const five = load<u64>(fives + (<usize>power << 3));
  // Of quarters of the mantissa's last place, to have both middles as whole numbers.
  const shift = <u64>(exponentBias - <u32>(bits >> mantissaBits)) - power + 2;
  const low = mantissa * 4 * five;
  const high = upperWord(mantissa * 4, five);
  const below = fraction == 0 ? five : five * 2;
  const least = low - below;
  const greatest = low + five * 2;
  const mask = (<u64>1 << shift) - 1;
  const takesBounds = (mantissa & 1) == 0;
  let value = (high << (64 - shift)) | (low >> shift);
  let from = ((high - <u64>(low < below)) << (64 - shift)) | (least >> shift);
  let end = ((high + <u64>(greatest < low)) << (64 - shift)) | (greatest >> shift);
  let isFromExact = takesBounds && (least & mask) == 0;
  let isExact = (low & mask) == 0;
  if (!takesBounds && (greatest & mask) == 0) end--;
  let removed: u32 = 0;
  let last: u64 = 0;
  while (true) {
    const shorterEnd = end / 10;
    const shorterFrom = from / 10;
    const isFromRound = from - shorterFrom * 10 == 0;
    // Beyond where they differ only zeros go, of a lower middle that reads back as the float.
    if (shorterEnd <= shorterFrom && !(isFromExact && isFromRound)) break;
    isFromExact = isFromExact && isFromRound;
    isExact = isExact && last == 0;
    const shorter = value / 10;
    last = value - shorter * 10;
    value = shorter;
    from = shorterFrom;
    end = shorterEnd;
    removed++;
  }
  // Halfway between two the even one counts.
  const isHalf = isExact && last == 5;
  const roundsUp = isHalf ? (value & 1) == 1 : last >= 5;
  if (roundsUp || (value == from && !isFromExact)) value++;
  // It is no whole number, so that decimals are left.
  return writeDecimals(value, power - removed, to);
}

/** The power of ten that brings a float to eighteen digits before the point. */
function powerOf(size: f64): u32 {
  if (size < 1) return size < 1e-2 ? 20 : size < 1e-1 ? 19 : 18;
  const whole = <u64>size;
  let digits: u32 = 1;
  while (whole >= load<u64>(tens + (<usize>digits << 3))) digits++;
  return 18 - digits;
}

/** The upper 64 bits of a product. */
function upperWord(left: u64, right: u64): u64 {
  const word: u64 = 0xffffffff;
  const leftLow = left & word;
  const leftHigh = left >> 32;
  const rightLow = right & word;
  const rightHigh = right >> 32;
  const one = leftLow * rightHigh;
  const other = leftHigh * rightLow;
  const middle = ((leftLow * rightLow) >> 32) + (one & word) + (other & word);
  return leftHigh * rightHigh + (one >> 32) + (other >> 32) + (middle >> 32);
}
