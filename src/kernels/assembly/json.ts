// Rows of columns as JSON: `,[time,cell,...]` each. Twin: writeColumns() of query/emit/json-rows.ts. There is room for the
// longest text of each cell, and 16 bytes can be read behind any text.
//
// A column is 32 bytes: u32 type as blocks number it, values, which rows have one (a byte each; 0: all), bytes of texts, what
// stands where there is none and its length, each u32. Texts lie between offsets in u32, one more than rows. Type 5 is what each
// row has, as JSON: `values` is where it is, and it may be several cells with their commas.

import { writeFour, writePair, writeSigned, writeUnsigned } from './digits';
import { writeFloat } from './floats';

const columnBytes: usize = 32;
const typeFloat: u32 = 0;
const typeInteger: u32 = 1;
const typeBoolean: u32 = 2;
const typeString: u32 = 3;
const typeConstant: u32 = 5;

const secondsOfDay: i64 = 86400;
const nsOfSecond: i64 = 1000000000;

const hex = memory.data<u8>([48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 97, 98, 99, 100, 101, 102]);

/**
 * Writes `count` rows; `unit` divides times to whole numbers, 0 writes them as RFC3339 in UTC. Answers where the text ends, 0
 * when a text begins in the middle of a character.
 */
export function jsonRows(columns: usize, columnCount: u32, times: usize, count: u32, unit: i64, out: usize): usize {
  let to = out;
  startTimes();
  for (let row: u32 = 0; row < count; row++) {
    to = writeTime(load<i64>(times + (<usize>row << 3)), unit, to);
    to = writeCells(columns, columnCount, row, to);
    if (to == 0) return 0;
  }
  return to;
}

/**
 * The same of rows that lie in several tables: two u32 a row, where the columns of its table are and its number there. A u32
 * before the columns says how many they are.
 */
export function jsonPicked(rows: usize, times: usize, count: u32, unit: i64, out: usize): usize {
  let to = out;
  startTimes();
  for (let i: u32 = 0; i < count; i++) {
    to = writeTime(load<i64>(times + (<usize>i << 3)), unit, to);
    const columns = <usize>load<u32>(rows + (<usize>i << 3));
    to = writeCells(columns, load<u32>(columns - 4), load<u32>(rows + (<usize>i << 3), 4), to);
    if (to == 0) return 0;
  }
  return to;
}

/** The time written last, and where its text is. */
let lastTime: i64 = 0;
let lastText: usize = 0;
let lastLength: usize = 0;

// @ts-ignore: decorator
@inline
function startTimes(): void {
  lastText = 0;
}

/** `,[` and a time. Rows of several series have the same one after the other: its text is copied, 48 bytes at once. */
// @ts-ignore: decorator
@inline
function writeTime(time: i64, unit: i64, to: usize): usize {
  store<u16>(to, 0x5b2c);
  to += 2;
  if (lastText != 0 && time == lastTime) {
    v128.store(to, v128.load(lastText));
    v128.store(to, v128.load(lastText, 16), 16);
    v128.store(to, v128.load(lastText, 32), 32);
    lastText = to;
    return to + lastLength;
  }
  const end = unit == 0 ? writeStamp(time, to) : writeSigned(unit == 1 ? time : time / unit, to);
  lastTime = time;
  lastText = to;
  lastLength = end - to;
  return end;
}

/** A comma and a cell for each column, and the bracket behind them. */
// @ts-ignore: decorator
@inline
function writeCells(columns: usize, columnCount: u32, row: u32, to: usize): usize {
  let column = columns;
  for (let i: u32 = 0; i < columnCount; i++, column += columnBytes) {
    store<u8>(to++, 44);
    const type = load<u32>(column);
    const values = <usize>load<u32>(column, 4);
    if (type == typeConstant) {
      to = copyText(values, <usize>load<u32>(column, 20), to);
      continue;
    }
    const valid = <usize>load<u32>(column, 8);
    if (valid != 0 && load<u8>(valid + row) != 1) {
      to = copyText(<usize>load<u32>(column, 16), <usize>load<u32>(column, 20), to);
      continue;
    }
    if (type == typeInteger) to = writeSigned(load<i64>(values + (<usize>row << 3)), to);
    else if (type == typeFloat) to = writeFloat(load<f64>(values + (<usize>row << 3)), to);
    else if (type == typeBoolean) to = writeBoolean(load<u8>(values + row), to);
    else if (type == typeString) {
      const offsets = values + (<usize>row << 2);
      const bytes = <usize>load<u32>(column, 12);
      to = writeText(bytes + <usize>load<u32>(offsets), bytes + <usize>load<u32>(offsets, 4), to);
      if (to == 0) return 0;
    } else to = writeUnsigned(load<u64>(values + (<usize>row << 3)), to);
  }
  store<u8>(to++, 93);
  return to;
}

/** Sixteen bytes at a time: up to fifteen behind the end are read and written. */
// @ts-ignore: decorator
@inline
function copyText(from: usize, length: usize, to: usize): usize {
  for (let at: usize = 0; at < length; at += 16) v128.store(to + at, v128.load(from + at));
  return to + length;
}

// @ts-ignore: decorator
@inline
function writeBoolean(value: u8, to: usize): usize {
  if (value == 1) {
    store<u32>(to, 0x65757274);
    return to + 4;
  }
  store<u32>(to, 0x736c6166);
  store<u8>(to, 101, 4);
  return to + 5;
}

/** Of the last time: its day since 1970, and the day's text. */
let dayAtHand: i64 = i64.MIN_VALUE;
const dayText = memory.data(16);

/** `"2026-11-24T06:00:00.5Z"` with as many decimals as are needed. */
function writeStamp(time: i64, to: usize): usize {
  let seconds = time / nsOfSecond;
  if (seconds * nsOfSecond > time) seconds--;
  let fraction = <u32>(time - seconds * nsOfSecond);
  let day = seconds / secondsOfDay;
  if (day * secondsOfDay > seconds) day--;
  if (day != dayAtHand) startDay(day);
  const second = <u32>(seconds - day * secondsOfDay);
  v128.store(to, v128.load(dayText));
  to += 12;
  const hour = second / 3600;
  const minute = second / 60 - hour * 60;
  writePair(hour, to);
  store<u8>(to, 58, 2);
  writePair(minute, to + 3);
  store<u8>(to, 58, 5);
  writePair(second - hour * 3600 - minute * 60, to + 6);
  to += 8;
  if (fraction != 0) {
    let digits: u32 = 9;
    while (fraction % 10 == 0) {
      fraction /= 10;
      digits--;
    }
    store<u8>(to, 46);
    for (let at = to + digits; at > to; at--) {
      store<u8>(at, <u8>(48 + (fraction % 10)));
      fraction /= 10;
    }
    to += digits + 1;
  }
  store<u16>(to, 0x225a);
  return to + 2;
}

/** The date of a day since 1970, years beginning in March: leap days are their last ones. */
function startDay(day: i64): void {
  dayAtHand = day;
  const since = <u32>(day + 719468);
  const era = since / 146097;
  const ofEra = since - era * 146097;
  const yearOfEra = (ofEra - ofEra / 1460 + ofEra / 36524 - ofEra / 146096) / 365;
  const ofYear = ofEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100);
  const fromMarch = (5 * ofYear + 2) / 153;
  const month = fromMarch < 10 ? fromMarch + 3 : fromMarch - 9;
  const year = yearOfEra + era * 400 + (month < 3 ? 1 : 0);
  store<u8>(dayText, 34);
  writeFour(year, dayText + 1);
  store<u8>(dayText, 45, 5);
  writePair(month, dayText + 6);
  store<u8>(dayText, 45, 8);
  writePair(ofYear - (153 * fromMarch + 2) / 5 + 1, dayText + 9);
  store<u8>(dayText, 84, 11);
}

/** As Go's encoder escapes it; all of the column is UTF-8. 0 when it begins in the middle of a character. */
function writeText(from: usize, end: usize, to: usize): usize {
  if (from < end && (load<u8>(from) & 0xc0) == 0x80) return 0;
  store<u8>(to++, 34);
  while (from < end) {
    const bytes = v128.load(from);
    v128.store(to, bytes);
    const odd = oddBytes(bytes);
    const left = end - from;
    const plain: usize = odd == 0 ? 16 : <usize>(<u32>ctz(odd));
    if (plain >= left) {
      to += left;
      break;
    }
    to += plain;
    from += plain;
    if (odd != 0) {
      const code = load<u8>(from);
      if (code == 0xe2 && from + 2 < end && load<u8>(from, 1) == 0x80 && (load<u8>(from, 2) & 0xfe) == 0xa8) {
        to = writeEscape(0x20, <u32>load<u8>(from, 2) - 0x80, to);
        from += 3;
      } else if (code == 0xe2) {
        store<u8>(to++, code);
        from++;
      } else {
        to = writeEscaped(code, to);
        from++;
      }
    }
  }
  store<u8>(to, 34);
  return to + 1;
}

/** A bit for each byte that is looked at by itself: controls, `"`, `&`, `<`, `>`, `\` and what separators of lines begin with. */
// @ts-ignore: decorator
@inline
function oddBytes(bytes: v128): i32 {
  let odd = i8x16.lt_u(bytes, i8x16.splat(32));
  odd = v128.or(odd, i8x16.eq(bytes, i8x16.splat(34)));
  odd = v128.or(odd, i8x16.eq(bytes, i8x16.splat(38)));
  odd = v128.or(odd, i8x16.eq(v128.or(bytes, i8x16.splat(2)), i8x16.splat(62)));
  odd = v128.or(odd, i8x16.eq(bytes, i8x16.splat(92)));
  odd = v128.or(odd, i8x16.eq(bytes, i8x16.splat(-30)));
  return i8x16.bitmask(odd);
}

function writeEscaped(code: u8, to: usize): usize {
  if (code == 34 || code == 92) return writeShortEscape(code, to);
  if (code == 10) return writeShortEscape(110, to);
  if (code == 13) return writeShortEscape(114, to);
  if (code == 9) return writeShortEscape(116, to);
  if (code == 8) return writeShortEscape(98, to);
  if (code == 12) return writeShortEscape(102, to);
  return writeEscape(0, <u32>code, to);
}

function writeShortEscape(code: u8, to: usize): usize {
  store<u8>(to, 92);
  store<u8>(to, code, 1);
  return to + 2;
}

/** `\u` and four digits. */
function writeEscape(high: u32, low: u32, to: usize): usize {
  store<u16>(to, 0x755c);
  store<u8>(to, load<u8>(hex + (high >> 4)), 2);
  store<u8>(to, load<u8>(hex + (high & 15)), 3);
  store<u8>(to, load<u8>(hex + (low >> 4)), 4);
  store<u8>(to, load<u8>(hex + (low & 15)), 5);
  return to + 6;
}
