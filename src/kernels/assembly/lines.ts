// Line protocol to columns: the common grammar only. Whatever is unusual ends the pass with `unusual`, and the caller
// parses the whole body with the slow twin (models/line-protocol.ts), which has the exact texts of all errors.
//
// Dictionaries live from body to body: raw key bytes (measurement and tags as written) to a dense id, and ordered lists
// of typed field names to a dense id. A line's fields are first compared with those of the previous line of its key.

import { isEqual } from './bytes';
import { fieldSetBytes, fieldSetOf, fieldSetPointer, fieldsMax, initFieldSets, resetFieldSets, scratch } from './field-sets';
import { fieldSetPlace, initKeys, keyDictionaryBytes, keyOf, resetKeys } from './keys';
import { initRoute, resetRoute, routeBytes } from './route';

// @ts-ignore
@external("env", "slowFloat")
declare function slowFloat(ptr: usize, length: u32): f64;

export const unusual: i32 = -1;
/** The dictionaries are full: reset() and parse again. */
export const full: i32 = -2;

let minTime: i64 = 0;
let maxTime: i64 = 0;
let valueCount: u32 = 0;

export function heapBase(): usize {
  return (__heap_base + 15) & ~15;
}

/** Bytes that init() needs behind its base. */
export function dictionaryBytes(): u32 {
  return keyDictionaryBytes() + fieldSetBytes() + routeBytes();
}

export function init(base: usize): void {
  initRoute(base);
  initFieldSets(base + routeBytes());
  initKeys(base + routeBytes() + fieldSetBytes());
}

/** Forgets all dictionaries. */
export function reset(): void {
  resetRoute();
  resetFieldSets();
  resetKeys();
}

export function leastTime(): i64 {
  return minTime;
}
export function greatestTime(): i64 {
  return maxTime;
}
export function values(): u32 {
  return valueCount;
}

const powers: StaticArray<f64> = [
  1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
  1e21, 1e22,
];

/** Type of the value just read, and where it ended; type -1 is unusual. */
let valueType: i32 = 0;
let valueEnd: usize = 0;

// @ts-ignore: decorator
@inline
function isDelimiter(byte: u32): bool {
  return byte == 44 || byte == 32 || byte == 10;
}

function readNumber(start: usize, into: usize): void {
  let p = start;
  const isNegative = load<u8>(p) == 45;
  if (isNegative) p++;
  let mantissa: u64 = 0;
  const digits = p;
  let digit = <u32>load<u8>(p) - 48;
  while (digit < 10) {
    mantissa = mantissa * 10 + digit;
    digit = <u32>load<u8>(++p) - 48;
  }
  const whole = <u32>(p - digits);
  let byte = <u32>load<u8>(p);
  valueType = -1;
  if (whole == 0) return;
  if (byte == 105) {
    if (whole > 18) return;
    store<i64>(into, isNegative ? -(<i64>mantissa) : <i64>mantissa);
    valueType = 1;
    valueEnd = p + 1;
    return;
  }
  let fraction: u32 = 0;
  if (byte == 46) {
    const from = ++p;
    digit = <u32>load<u8>(p) - 48;
    while (digit < 10) {
      mantissa = mantissa * 10 + digit;
      digit = <u32>load<u8>(++p) - 48;
    }
    fraction = <u32>(p - from);
    if (fraction == 0) return;
    byte = <u32>load<u8>(p);
  }
  if (!isDelimiter(byte)) return;
  if (whole + fraction <= 15) {
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

/**
 * Parses [body, body + length), which ends with a newline and has 64 readable bytes behind it. Per line: keyIds,
 * fieldSetIds and starts (the index of its first value) get a u32, times an i64; `vals` gets 8 bytes a field: f64, i64,
 * 0 or 1, or a text as (pointer, length with the highest bit for escapes). Answers the number of lines.
 */
export function parse(
  body: usize,
  length: u32,
  keyIds: usize,
  fieldSetIds: usize,
  starts: usize,
  times: usize,
  vals: usize,
  step: i64,
  defaultTime: i64,
): i32 {
  const end = body + length;
  const space = i8x16.splat(32);
  const backslash = i8x16.splat(92);
  const newline = i8x16.splat(10);
  const timeMax: i64 = 9223372036854775806;
  const stepMax: i64 = timeMax / step;
  let p = body;
  let line: u32 = 0;
  let value: u32 = 0;
  minTime = i64.MAX_VALUE;
  maxTime = i64.MIN_VALUE;
  while (p < end) {
    const first = load<u8>(p);
    if (first == 10) {
      p++;
      continue;
    }
    if (first == 35) {
      // A backslash or a quote may hide the newline.
      for (let byte = first; byte != 10; byte = load<u8>(++p)) if (byte == 92 || byte == 34) return unusual;
      p++;
      continue;
    }
    if (first == 32 || first == 44 || first == 0 || first == 9) return unusual;
    const keyStart = p;
    while (true) {
      const chunk = v128.load(p);
      const mask = i8x16.bitmask(
        v128.or(v128.or(i8x16.eq(chunk, space), i8x16.eq(chunk, backslash)), i8x16.eq(chunk, newline)),
      );
      if (mask == 0) {
        p += 16;
        continue;
      }
      p += ctz(mask);
      const byte = load<u8>(p);
      if (byte == 32) break;
      if (byte == 10) return unusual;
      // The byte behind a backslash is part of the key; behind a second backslash too.
      const hidden = load<u8>(p + 1);
      if (hidden == 10) return unusual;
      p += hidden == 92 ? 1 : 2;
    }
    const key = keyOf(keyStart, <u32>(p - keyStart));
    if (key < 0) return full;
    p++;
    // More white space.
    if (load<u8>(p) == 9 || load<u8>(p) == 0) return unusual;
    const start = value;
    let expected = load<i32>(fieldSetPlace(key));
    let expectedPtr: usize = expected >= 0 ? fieldSetPointer(expected) : 0;
    let expectedCount: u32 = expected >= 0 ? load<u32>(expectedPtr) : 0;
    let field: u32 = 0;
    let isAsExpected = true;
    while (true) {
      if (field >= fieldsMax) return unusual;
      const slot = scratch + field * 12;
      const nameStart = p;
      if (isAsExpected && field < expectedCount) {
        const known = expectedPtr + 16 + field * 12;
        const nameLength = load<u32>(known, 4);
        if (isEqual(p, <usize>load<u32>(known), nameLength + 1)) p += nameLength;
        else isAsExpected = false;
      } else isAsExpected = false;
      if (!isAsExpected) {
        while (true) {
          const byte = load<u8>(p);
          if (byte == 61) break;
          if (byte == 92) {
            if (load<u8>(++p) == 10) return unusual;
          } else if (isDelimiter(byte) || byte == 34) return unusual;
          p++;
        }
        // Behind a pair of backslashes an equals sign ends a name for one of the two looks that are taken at it only.
        if (p == nameStart || load<u8>(p - 1) == 92) return unusual;
      }
      store<u32>(slot, <u32>nameStart);
      store<u32>(slot, <u32>(p - nameStart), 4);
      p++;
      const into = vals + (<usize>value << 3);
      const byte = load<u8>(p);
      if (<u32>byte - 48 < 10 || byte == 45) readNumber(p, into);
      else if (byte == 34) readText(p, end, into);
      else readBoolean(p, into);
      if (valueType < 0) return unusual;
      store<i32>(slot, valueType, 8);
      if (isAsExpected && load<i32>(expectedPtr + 16 + field * 12, 8) != valueType) isAsExpected = false;
      p = valueEnd;
      value++;
      field++;
      const next = load<u8>(p);
      if (next == 44) {
        p++;
        continue;
      }
      if (next != 32 && next != 10) return unusual;
      break;
    }
    if (!isAsExpected || field != expectedCount) {
      expected = fieldSetOf(field);
      if (expected < 0) return full;
      store<i32>(fieldSetPlace(key), expected);
    }
    let time = defaultTime;
    if (load<u8>(p) == 32) {
      p++;
      const isNegative = load<u8>(p) == 45;
      if (isNegative) p++;
      const digits = p;
      let digit = <u32>load<u8>(p) - 48;
      let steps: u64 = 0;
      while (digit < 10) {
        steps = steps * 10 + digit;
        digit = <u32>load<u8>(++p) - 48;
      }
      const count = <u32>(p - digits);
      if (count == 0 || count > 19 || steps > <u64>stepMax || load<u8>(p) != 10) return unusual;
      time = (isNegative ? -(<i64>steps) : <i64>steps) * step;
    }
    p++;
    if (time < minTime) minTime = time;
    if (time > maxTime) maxTime = time;
    store<u32>(keyIds + (<usize>line << 2), key);
    store<u32>(fieldSetIds + (<usize>line << 2), expected);
    store<u32>(starts + (<usize>line << 2), start);
    store<i64>(times + (<usize>line << 3), time);
    line++;
  }
  valueCount = value;
  return line;
}
