// Line protocol to columns: the common grammar only. Lines that are unusual are left to the slow twin
// (models/line-protocol.ts), which has the exact texts of all errors: they are listed by where they are, and the pass goes
// on behind them.
//
// Dictionaries live from body to body: raw key bytes (measurement and tags as written) to a dense id, and ordered lists
// of typed field names to a dense id. A line's fields are first compared with those of the previous line of its key.

import { isEqual } from './bytes';
import { fieldSetBytes, fieldSetOf, fieldSetPointer, fieldsMax, initFieldSets, resetFieldSets, scratch } from './field-sets';
import { expectedKey, fieldSetPlace, initKeys, keyDictionaryBytes, keyFollows, keyOf, keyPointer, resetKeys } from './keys';
import { initRoute, isUsualPair, resetRoute, routeBytes } from './route';

// @ts-ignore
@external("env", "slowFloat")
declare function slowFloat(ptr: usize, length: u32): f64;

/** The dictionaries are full: reset() and parse again. */
export const full: i32 = -2;

/** Columns of the lines, as parse() says; columns() sets them. */
let keyIds: usize = 0;
let fieldSetIds: usize = 0;
let starts: usize = 0;
let offsets: usize = 0;
let times: usize = 0;
let vals: usize = 0;
/** Lines left to the twin, as ranges of the body without their last newline: [start u32][end u32]. */
let odds: usize = 0;
let oddCount: u32 = 0;

let body: usize = 0;
/** Behind the newline that ends the body, and before it where it was put there. */
let bodyEnd: usize = 0;
let textEnd: usize = 0;
let isWhole: bool = true;
let timeStep: i64 = 1;
let stepMax: i64 = 0;
let timeOfNone: i64 = 0;

let minTime: i64 = 0;
let maxTime: i64 = 0;
let valueCount: u32 = 0;
/** No key or field set could be given an id. */
let isFull: bool = false;

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
/** Ranges of lines left to the twin. */
export function oddLines(): u32 {
  return oddCount;
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
  if (byte == 105) {
    if (whole == 0 || whole > 19 || mantissa > (isNegative ? <u64>1 << 63 : (<u64>1 << 63) - 1)) return;
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
  if (whole + fraction <= 15 && !hasExponent) {
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

/** Where the columns are; ranges of lines left to the twin have room for as many as there are newlines. */
export function columns(
  keyColumn: usize,
  fieldSetColumn: usize,
  startColumn: usize,
  offsetColumn: usize,
  timeColumn: usize,
  values: usize,
  ranges: usize,
): void {
  keyIds = keyColumn;
  fieldSetIds = fieldSetColumn;
  starts = startColumn;
  offsets = offsetColumn;
  times = timeColumn;
  vals = values;
  odds = ranges;
}

/**
 * Parses [at, at + length), which ends with a newline and has 64 readable bytes behind it. Per line the columns get:
 * keyIds, fieldSetIds, starts (the index of its first value) and offsets (of its first byte) a u32, times an i64; `vals`
 * gets 8 bytes a field: f64, i64, 0 or 1, or a text as (pointer, length with the highest bit for escapes). Lines take
 * at least 6 bytes, and values 4: there is room for so many. A piece of a body (`whole` false) ends with a newline of its
 * own, and the last line of it may not be whole. Answers the number of lines.
 */
export function parse(at: usize, length: u32, whole: bool, step: i64, defaultTime: i64): i32 {
  body = at;
  bodyEnd = at + length;
  textEnd = whole ? bodyEnd - 1 : bodyEnd;
  isWhole = whole;
  timeStep = step;
  stepMax = 9223372036854775806 / step;
  timeOfNone = defaultTime;
  oddCount = 0;
  valueCount = 0;
  isFull = false;
  minTime = i64.MAX_VALUE;
  maxTime = i64.MIN_VALUE;
  let p = body;
  let line: u32 = 0;
  while (p < bodyEnd) {
    const first = load<u8>(p);
    if (first == 10) {
      p++;
      continue;
    }
    const values = valueCount;
    const next = first == 35 ? skipComment(p) : readLine(p, line);
    if (isFull) return full;
    if (next == 0) {
      valueCount = values;
      const end = endOfLine(p);
      // The rest of it is in the next piece.
      if (end == 0) break;
      addOdd(p, end);
      p = end + 1;
      continue;
    }
    if (first != 35) {
      store<u32>(offsets + (<usize>line << 2), <u32>(p - body));
      line++;
    }
    p = next;
  }
  bodyEnd = min(p, bodyEnd);
  return line;
}

/** How much of the body was parsed: less than all of a piece whose last line is not whole. */
export function consumed(): u32 {
  return <u32>(bodyEnd - body);
}

function addOdd(start: usize, end: usize): void {
  const last = odds + (<usize>oddCount << 3) - 8;
  // One behind the other they are one range.
  if (oddCount > 0 && load<u32>(last, 4) + 1 == <u32>(start - body)) {
    store<u32>(last, <u32>(end - body), 4);
    return;
  }
  store<u32>(last, <u32>(start - body), 8);
  store<u32>(last, <u32>(end - body), 12);
  oddCount++;
}

/**
 * Lists the lines of the body parsed last that the twin has to look at, since their key or fields are not as usual or their
 * time is not in [least, greatest].
 */
export function listOdd(lines: u32, least: i64, greatest: i64): void {
  oddCount = 0;
  for (let line: u32 = 0; line < lines; line++) {
    const at = <usize>line << 2;
    const time = load<i64>(times + (<usize>line << 3));
    const isInTime = time >= least && time <= greatest;
    if (isInTime && isUsualPair(load<u32>(keyIds + at), load<u32>(fieldSetIds + at))) continue;
    const start = body + load<u32>(offsets + at);
    addOdd(start, endOfLine(start));
  }
}

/** The newline that ends the line, as endOfLine of the twin finds it; 0 when it is not in this piece. */
function endOfLine(start: usize): usize {
  let isQuoted = false;
  let areFields = false;
  let values: i32 = 0;
  let p = start;
  for (; p < textEnd; p++) {
    const byte = load<u8>(p);
    if (byte == 92) {
      if (!isWhole || p + 2 < textEnd) p++;
    } else if (byte == 10) {
      if (!isQuoted) return p;
    } else if (byte == 32) areFields = true;
    else if (areFields) {
      if (byte == 34) {
        if (values > 0) isQuoted = !isQuoted;
      } else if (!isQuoted) {
        if (byte == 61) values++;
        else if (byte == 44) values--;
      }
    }
  }
  return isWhole ? textEnd : 0;
}

/** Behind the comment; 0 when a backslash or a quote may hide its newline. */
function skipComment(start: usize): usize {
  let p = start;
  for (let byte: u32 = 35; byte != 10; byte = load<u8>(++p)) if (byte == 92 || byte == 34) return 0;
  return p + 1;
}

/** Behind the line, which becomes number `line`; 0 when it is left to the twin. */
function readLine(start: usize, line: u32): usize {
  const expected = expectedKey(start, bodyEnd);
  let key: u32 = expected - 1;
  let p = expected != 0 ? start + load<u32>(keyPointer(key)) : endOfKey(start);
  if (p == 0) return 0;
  const keyEnd = p++;
  // More white space; or a line without fields, which is told before it has a place among the keys.
  if (load<u8>(p) <= 32) return 0;
  if (expected == 0) {
    const found = keyOf(start, <u32>(keyEnd - start));
    if (found < 0) {
      isFull = true;
      return 0;
    }
    key = found;
  }
  keyFollows(key);
  const firstValue = valueCount;
  p = readFields(p, key);
  if (p == 0) return 0;
  const time = readTime(p);
  if (timeEnd == 0) return 0;
  if (time < minTime) minTime = time;
  if (time > maxTime) maxTime = time;
  store<u32>(keyIds + (<usize>line << 2), key);
  store<u32>(fieldSetIds + (<usize>line << 2), load<u32>(fieldSetPlace(key)));
  store<u32>(starts + (<usize>line << 2), firstValue);
  store<i64>(times + (<usize>line << 3), time);
  return timeEnd;
}

/** The space that ends the key of the line; 0 when it is left to the twin. */
function endOfKey(start: usize): usize {
  const first = load<u8>(start);
  if (first == 32 || first == 44 || first == 0 || first == 9) return 0;
  const space = i8x16.splat(32);
  const backslash = i8x16.splat(92);
  const newline = i8x16.splat(10);
  let p = start;
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
    if (byte == 32) return p;
    if (byte == 10) return 0;
    // The byte behind a backslash is part of the key; behind a second backslash too.
    const hidden = load<u8>(p + 1);
    if (hidden == 10) return 0;
    // A space behind a pair of them does not end the key, but begins the fields where the end of the line is looked for.
    if (hidden == 92 && load<u8>(p + 2) == 32) return 0;
    p += hidden == 92 ? 1 : 2;
  }
}

/** Reads the fields of a line; its field set is then the last one of the key. Answers their end, or 0. */
function readFields(start: usize, key: u32): usize {
  let p = start;
  const expected = load<i32>(fieldSetPlace(key));
  const expectedPtr: usize = expected >= 0 ? fieldSetPointer(expected) : 0;
  const expectedCount: u32 = expected >= 0 ? load<u32>(expectedPtr) : 0;
  let field: u32 = 0;
  let isAsExpected = true;
  while (true) {
    if (field >= fieldsMax) return 0;
    const slot = scratch + field * 12;
    const nameStart = p;
    if (isAsExpected && field < expectedCount) {
      const known = expectedPtr + 16 + field * 12;
      const nameLength = load<u32>(known, 4);
      if (isEqual(p, <usize>load<u32>(known), nameLength + 1)) p += nameLength;
      else isAsExpected = false;
    } else isAsExpected = false;
    if (!isAsExpected) {
      p = endOfName(nameStart);
      if (p == 0) return 0;
    }
    store<u32>(slot, <u32>nameStart);
    store<u32>(slot, <u32>(p - nameStart), 4);
    p++;
    const into = vals + (<usize>valueCount << 3);
    const byte = load<u8>(p);
    if (<u32>byte - 48 < 10 || byte == 45 || byte == 46) readNumber(p, into);
    else if (byte == 34) readText(p, bodyEnd, into);
    else readBoolean(p, into);
    if (valueType < 0) return 0;
    store<i32>(slot, valueType, 8);
    if (isAsExpected && load<i32>(expectedPtr + 16 + field * 12, 8) != valueType) isAsExpected = false;
    p = valueEnd;
    valueCount++;
    field++;
    const next = load<u8>(p);
    if (next == 44) {
      p++;
      continue;
    }
    if (next != 32 && next != 10) return 0;
    break;
  }
  if (isAsExpected && field == expectedCount) return p;
  const found = fieldSetOf(field);
  if (found < 0) {
    isFull = true;
    return 0;
  }
  store<i32>(fieldSetPlace(key), found);
  return p;
}

/** The equals sign behind a field's name; 0 when it is left to the twin. */
function endOfName(start: usize): usize {
  let p = start;
  while (true) {
    const byte = load<u8>(p);
    if (byte == 61) break;
    if (byte == 92) {
      if (load<u8>(++p) == 10) return 0;
    } else if (isDelimiter(byte) || byte == 34) return 0;
    p++;
  }
  // Behind a pair of backslashes an equals sign ends a name for one of the two looks that are taken at it only.
  return p == start || load<u8>(p - 1) == 92 ? 0 : p;
}

/** Behind the newline of the line whose time was read; 0 when it is left to the twin. */
let timeEnd: usize = 0;

function readTime(start: usize): i64 {
  let p = start;
  timeEnd = p + 1;
  if (load<u8>(p) == 10) return timeOfNone;
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
  timeEnd = count == 0 || count > 19 || steps > <u64>stepMax || load<u8>(p) != 10 ? 0 : p + 1;
  return (isNegative ? -(<i64>steps) : <i64>steps) * timeStep;
}
