// Values of fields, as they are written in a line. What a value is and where it ends is said by `valueType` and `valueEnd`.

import { digitCount, digitsEnd, numberOf, powerOf, readDigits } from './read-digits';

// @ts-ignore
@external("env", "slowFloat")
declare function slowFloat(ptr: usize, length: u32): f64;

/** So many digits are a float exactly, and so are the powers of ten they are divided by. */
const exactDigitsMax: u32 = 15;
const typeFloat: i32 = 0;
const typeInteger: i32 = 1;

const powers: StaticArray<f64> = [
  1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
  1e21, 1e22,
];

/** Type of the value just read, and where it ended; type -1 is unusual. */
export let valueType: i32 = 0;
export let valueEnd: usize = 0;

// @ts-ignore: decorator
@inline
export function isDelimiter(byte: u32): bool {
  return byte == 44 || byte == 32 || byte == 10;
}

/**
 * A number of up to seven digits, and as many behind its point, as most are; answers its end, 0 for all others and for other
 * types.
 */
// @ts-ignore: decorator
@inline
export function readShort(start: usize, type: i32, into: usize): usize {
  if (<u32>type > <u32>typeInteger) return 0;
  const isNegative = load<u8>(start) == 45;
  const p = start + <usize>isNegative;
  const word = load<u64>(p);
  const count = digitCount(word);
  if (count - 1 > 6) return 0;
  const whole = numberOf(word, count);
  const next = <u32>(word >> (<u64>count << 3)) & 0xff;
  if (type == typeInteger) {
    if (next != 105) return 0;
    store<i64>(into, isNegative ? -(<i64>whole) : <i64>whole);
    return p + count + 1;
  }
  if (next != 46) {
    if (!isDelimiter(next)) return 0;
    const value = <f64>whole;
    store<f64>(into, isNegative ? -value : value);
    return p + count;
  }
  const behind = load<u64>(p + count + 1);
  const fraction = digitCount(behind);
  if (fraction - 1 > 6 || !isDelimiter(<u32>(behind >> (<u64>fraction << 3)) & 0xff)) return 0;
  const mantissa = whole * powerOf(fraction) + numberOf(behind, fraction);
  const value = <f64>mantissa / unchecked(powers[fraction]);
  store<f64>(into, isNegative ? -value : value);
  return p + count + 1 + fraction;
}

/** Reads what is at `start`, in a body that ends at `end`, 8 bytes to `into`. */
export function readValue(start: usize, end: usize, into: usize): void {
  const byte = load<u8>(start);
  if (<u32>byte - 48 < 10 || byte == 45 || byte == 46) readNumber(start, into);
  else if (byte == 34) readText(start, end, into);
  else readBoolean(start, into);
}

function readNumber(start: usize, into: usize): void {
  const isNegative = load<u8>(start) == 45;
  const digits = isNegative ? start + 1 : start;
  let mantissa = readDigits(digits);
  let p = digitsEnd;
  const whole = <u32>(p - digits);
  let byte = <u32>load<u8>(p);
  valueType = -1;
  if (byte == 105) {
    if (whole == 0 || whole > 19 || mantissa > (isNegative ? <u64>1 << 63 : (<u64>1 << 63) - 1)) return;
    store<i64>(into, isNegative ? -(<i64>mantissa) : <i64>mantissa);
    valueType = 1;
    valueEnd = p + 1;
    return;
  }
  let fraction: u32 = 0;
  if (byte == 46) {
    const from = p + 1;
    const behind = readDigits(from);
    p = digitsEnd;
    fraction = <u32>(p - from);
    // Of more digits than these it is not looked at.
    if (whole + fraction <= exactDigitsMax) mantissa = mantissa * powerOf(fraction) + behind;
    byte = <u32>load<u8>(p);
  }
  if (whole + fraction == 0) return;
  const hasExponent = byte == 101 || byte == 69;
  if (hasExponent) {
    byte = <u32>load<u8>(++p);
    if (byte == 43 || byte == 45) p++;
    const exponent = p;
    while (<u32>load<u8>(p) - 48 < 10) p++;
    if (p == exponent) return;
    byte = <u32>load<u8>(p);
  }
  if (!isDelimiter(byte)) return;
  if (whole + fraction <= exactDigitsMax && !hasExponent) {
    const value = <f64>mantissa / unchecked(powers[fraction]);
    store<f64>(into, isNegative ? -value : value);
  } else {
    const value = slowFloat(start, <u32>(p - start));
    // Too great for a float: not stored, whatever its sign.
    if (!isFinite(value)) return;
    store<f64>(into, value);
  }
  valueType = 0;
  valueEnd = p;
}

function readText(start: usize, end: usize, into: usize): void {
  let p = start + 1;
  let hasEscape: u32 = 0;
  valueType = -1;
  while (p < end) {
    const byte = load<u8>(p);
    if (byte == 34) {
      store<u32>(into, <u32>(start + 1));
      store<u32>(into, <u32>(p - start - 1) | hasEscape, 4);
      valueType = 3;
      valueEnd = p + 1;
      return;
    }
    if (byte == 92) {
      hasEscape = 0x80000000;
      p++;
    }
    p++;
  }
}

function readBoolean(start: usize, into: usize): void {
  const byte = <u32>load<u8>(start);
  const isTrue = byte == 116 || byte == 84;
  valueType = -1;
  if (!isTrue && byte != 102 && byte != 70) return;
  let p = start + 1;
  if (!isDelimiter(load<u8>(p))) {
    // The four letters behind t or f, in one case or the other: true, True, TRUE; false, False, FALSE.
    const isUpper = byte < 97;
    const rest: u32 = isTrue ? 3 : 4;
    const lower = isTrue ? 0x657572 : 0x65736c61;
    const upper = isTrue ? 0x455552 : 0x45534c41;
    const found = load<u32>(p) & (isTrue ? 0xffffff : 0xffffffff);
    if (found != <u32>lower && !(isUpper && found == <u32>upper)) return;
    p += rest;
  }
  store<u64>(into, isTrue ? 1 : 0);
  valueType = 2;
  valueEnd = p;
}
