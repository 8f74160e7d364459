// Line protocol to columns: the common grammar only. Lines that are unusual are left to the slow twin
// (models/line-protocol.ts), which has the exact texts of all errors: they are listed by where they are, and the pass goes
// on behind them.
//
// Dictionaries live from body to body: raw key bytes (measurement and tags as written) to a dense id, and ordered lists
// of typed field names to a dense id. A line's fields are first compared with those of the previous line of its key.

import { isEqual } from './bytes';
import { digitsEnd, readDigits } from './read-digits';
import { fieldBytes, fieldSetBytes, fieldSetHeadBytes, fieldSetOf, fieldSetPointer, fieldsMax, initFieldSets, resetFieldSets, scratch } from './field-sets';
import { expectedKey, fieldSetPlace, initKeys, keyDictionaryBytes, keyFollows, keyOf, keyPointer, resetKeys } from './keys';
import { initRoute, isUsualPair, resetRoute, routeBytes } from './route';
import { isDelimiter, readShort, readValue, valueEnd, valueType } from './values';

/** The dictionaries are full: reset() and parse again. */
export const full: i32 = -2;

/** Of the table that parseBodies() is told of. */
const bodyEntryBytes: usize = 24;

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
  begin(at, whole, step);
  timeOfNone = defaultTime;
  return parseText(at, at + length, 0);
}

/**
 * Parses bodies that lie one behind the other from `at` on, each as parse() does a whole one: none can reach into the next.
 * `table` has of each [end u32][lines u32][values u32][0 u32][time u64]: the end behind its newline, its lines and values, set
 * here, and the time of its lines without one, as nanoseconds behind `defaultTime`. Answers the number of lines of all.
 */
export function parseBodies(at: usize, table: usize, count: u32, step: i64, defaultTime: i64): i32 {
  begin(at, true, step);
  let line: i32 = 0;
  let start = at;
  for (let i: u32 = 0; i < count; i++, table += bodyEntryBytes) {
    const time = defaultTime + load<i64>(table, 16);
    timeOfNone = time - (time % step);
    const end = at + load<u32>(table);
    const linesBefore = line;
    const valuesBefore = valueCount;
    line = parseText(start, end, linesBefore);
    if (line < 0) return line;
    store<u32>(table, <u32>(line - linesBefore), 4);
    store<u32>(table, valueCount - valuesBefore, 8);
    start = end;
  }
  return line;
}

function begin(at: usize, whole: bool, step: i64): void {
  body = at;
  isWhole = whole;
  timeStep = step;
  stepMax = 9223372036854775806 / step;
  oddCount = 0;
  valueCount = 0;
  timeTextBytes = 0;
  isFull = false;
  minTime = i64.MAX_VALUE;
  maxTime = i64.MIN_VALUE;
}

/** Its first line is number `line`; answers the number of the one behind its last. */
function parseText(from: usize, end: usize, line: u32): i32 {
  bodyEnd = end;
  textEnd = isWhole ? bodyEnd - 1 : bodyEnd;
  let p = from;
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
  const expected = load<i32>(fieldSetPlace(key));
  const expectedPtr: usize = expected >= 0 ? fieldSetPointer(expected) : 0;
  if (expected >= 0) {
    const end = readExpected(start, expectedPtr);
    if (end != 0) return end;
  }
  return readAnyFields(start, key, expectedPtr);
}

/** The same for names and types of the field set at `known`; 0 when there are others, and nothing is taken then. */
// @ts-ignore: decorator
@inline
function readExpected(start: usize, known: usize): usize {
  const count = load<u32>(known);
  let p = start;
  let into = vals + (<usize>valueCount << 3);
  let field = known + fieldSetHeadBytes;
  const end = field + <usize>count * fieldBytes;
  while (true) {
    const withSign = load<u32>(field, 4) + 1;
    if (!isEqual(p, <usize>load<u32>(field), withSign)) return 0;
    const at = p + withSign;
    const type = load<i32>(field, 8);
    p = readShort(at, type, into);
    if (p == 0) {
      readValue(at, bodyEnd, into);
      if (valueType != type) return 0;
      p = valueEnd;
    }
    into += 8;
    field += fieldBytes;
    const next = load<u8>(p);
    if (next == 44 && field != end) p++;
    else if (field == end && (next == 32 || next == 10)) break;
    else return 0;
  }
  valueCount += count;
  return p;
}

function readAnyFields(start: usize, key: u32, expectedPtr: usize): usize {
  let p = start;
  const expectedCount: u32 = expectedPtr != 0 ? load<u32>(expectedPtr) : 0;
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
    readValue(p, bodyEnd, into);
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

/** Where the time of the line before is written, its bytes with the newline, and what it is: lines often share it. */
let timeText: usize = 0;
let timeTextBytes: u32 = 0;
let timeBefore: i64 = 0;

// @ts-ignore: decorator
@inline
function readTime(start: usize): i64 {
  if (timeTextBytes != 0 && isEqual(start, timeText, timeTextBytes)) {
    timeEnd = start + timeTextBytes;
    return timeBefore;
  }
  return readOtherTime(start);
}

function readOtherTime(start: usize): i64 {
  let p = start;
  timeEnd = p + 1;
  if (load<u8>(p) == 10) return timeOfNone;
  p++;
  const isNegative = load<u8>(p) == 45;
  if (isNegative) p++;
  const steps = readDigits(p);
  const count = <u32>(digitsEnd - p);
  const isTime = count > 0 && count <= 19 && steps <= <u64>stepMax && load<u8>(digitsEnd) == 10;
  timeEnd = isTime ? digitsEnd + 1 : 0;
  const time = (isNegative ? -(<i64>steps) : <i64>steps) * timeStep;
  if (isTime) {
    timeText = start;
    timeTextBytes = <u32>(timeEnd - start);
    timeBefore = time;
  }
  return time;
}
