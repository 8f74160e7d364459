// Blocks of TSM files, decoded where they lie: times as i64, values 8 bytes each, booleans one byte each. Strings are left to
// codec/block.ts, which is the twin of all of this. Every read is checked against the end of the block, so that damaged
// bytes give `corrupt` and write nowhere else; 16 bytes behind the block have to be readable.

import { hasFewBits, isNarrow, unpackIntegers, unpackNarrow } from './unpack';

export const corrupt: i32 = -1;
export const unhandled: i32 = -2;

const typeFloat: u32 = 0;
const typeInteger: u32 = 1;
const typeBoolean: u32 = 2;
const typeString: u32 = 3;
const typeUnsigned: u32 = 4;

const kindRaw: u32 = 0;
const kindPacked: u32 = 1;
const kindRun: u32 = 2;

const rowsMax: u64 = 1000000;
export const countsAt = memory.data<u8>([240, 120, 60, 30, 20, 15, 12, 10, 8, 7, 6, 5, 4, 3, 2, 1]);
export const widthsAt = memory.data<u8>([0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20, 30, 60]);

// @ts-ignore: decorator
@inline
export function bigEndian(at: usize): u64 {
  const bytes = v128.load64_zero(at);
  const turned = i8x16.shuffle(bytes, bytes, 7, 6, 5, 4, 3, 2, 1, 0, 15, 14, 13, 12, 11, 10, 9, 8);
  return <u64>i64x2.extract_lane(turned, 0);
}

// @ts-ignore: decorator
@inline
export function unzigzag(value: u64): i64 {
  return <i64>(value >> 1) ^ -(<i64>(value & 1));
}

/** Where the varint at `at` ends; 0 when it does not end before `end` or is longer than 64 bits. */
function varintEnd(at: usize, end: usize): usize {
  for (let i: usize = 0; i < 10 && at + i < end; i++) if (load<u8>(at + i) < 0x80) return at + i + 1;
  return 0;
}

function varint(at: usize, end: usize): u64 {
  let value: u64 = 0;
  let shift: u64 = 0;
  for (let i = at; i < end; i++) {
    value |= (<u64>(load<u8>(i) & 0x7f)) << shift;
    shift += 7;
  }
  return value;
}

function powerOfTen(exponent: u32): u64 {
  let power: u64 = 1;
  for (let i: u32 = 0; i < exponent; i++) power *= 10;
  return power;
}

/** How many rows the block has, `corrupt`, or `unhandled` for strings. */
export function blockRows(block: usize, length: u32): i32 {
  const end = block + length;
  if (length < 2) return corrupt;
  const type = <u32>load<u8>(block);
  if (type == typeString) return unhandled;
  if (type > typeUnsigned) return corrupt;
  const times = varintEnd(block + 1, end);
  if (times == 0) return corrupt;
  const timesLength = varint(block + 1, times);
  if (timesLength > <u64>(end - times) || timesLength < 9) return corrupt;
  const timesEnd = times + <usize>timesLength;
  const kind = <u32>load<u8>(times) >> 4;
  if (kind == kindRaw) return (timesEnd - times - 1) & 7 ? corrupt : <i32>((timesEnd - times - 1) >> 3);
  if (kind == kindRun) {
    const delta = varintEnd(times + 9, timesEnd);
    const count: usize = delta == 0 ? 0 : varintEnd(delta, timesEnd);
    if (count == 0) return corrupt;
    const rows = varint(delta, count);
    return rows > rowsMax || rows == 0 ? corrupt : <i32>rows;
  }
  if (kind != kindPacked || ((timesEnd - times - 9) & 7) != 0) return corrupt;
  let rows: u32 = 1;
  for (let at = times + 9; at < timesEnd; at += 8) {
    rows += load<u8>(countsAt + (load<u8>(at) >> 4));
    if (rows > <u32>rowsMax) return corrupt;
  }
  return rows;
}

/** Where the times of a block that blockRows() has looked at begin. */
export function timesOfBlock(block: usize, length: u32): usize {
  return varintEnd(block + 1, block + length);
}

/** Where they end, and its values begin. */
export function timesEndOfBlock(block: usize, times: usize): usize {
  return times + <usize>varint(block + 1, times);
}

/** What is added from time to time of a block whose times are a run; 0 for others, and where one would be beyond an i64. */
export function stepOfTimes(times: usize, timesEnd: usize, rows: u32): i64 {
  if (<u32>load<u8>(times) >> 4 != kindRun) return 0;
  const deltaEnd = varintEnd(times + 9, timesEnd);
  const step = <i64>(varint(times + 9, deltaEnd) * powerOfTen(load<u8>(times) & 15));
  if (step <= 0 || step > i64.MAX_VALUE / <i64>rows) return 0;
  const first = firstTime(times);
  return first + step * <i64>(rows - 1) < first ? 0 : step;
}

export function firstTime(times: usize): i64 {
  return <i64>bigEndian(times + 1);
}

/** Decodes a block of blockRows() rows; 0, or `corrupt` when times and values do not add up. */
export function decodeBlock(block: usize, length: u32, rows: u32, timesOut: usize, valuesOut: usize): i32 {
  const end = block + length;
  const type = <u32>load<u8>(block);
  const times = varintEnd(block + 1, end);
  const values = times + <usize>varint(block + 1, times);
  if (decodeTimes(times, values, rows, timesOut) != 0) return corrupt;
  return decodeValues(type, values, end, rows, valuesOut);
}

/** The values alone, of bytes from `values` on. */
export function decodeValues(type: u32, values: usize, end: usize, rows: u32, out: usize): i32 {
  if (values >= end) return corrupt;
  if (type == typeFloat) return decodeFloats(values, end, rows, out, 8);
  if (type == typeBoolean) return decodeBooleans(values, end, rows, out);
  return decodeIntegers(values, end, rows, out);
}

/**
 * The first value of a block of blockRows() rows, or the last, as decodeBlock() has it; times are not looked at. 0, or
 * `corrupt` when what it has to look at does not add up.
 */
export function decodeEnd(block: usize, length: u32, rows: u32, isFirst: bool, out: usize): i32 {
  const end = block + length;
  const type = <u32>load<u8>(block);
  const times = varintEnd(block + 1, end);
  const at = times + <usize>varint(block + 1, times);
  if (at >= end) return corrupt;
  if (type == typeBoolean) {
    const bits = booleanBits(at, end, rows);
    if (bits == 0) return corrupt;
    store<u8>(out, booleanAt(bits, isFirst ? 0 : rows - 1));
    return 0;
  }
  if (isFirst) {
    if (end - at < 9) return corrupt;
    const word = bigEndian(at + 1);
    store<u64>(out, type == typeFloat ? word : <u64>unzigzag(word));
    return 0;
  }
  // Each value in the place of the one before.
  if (type == typeFloat) return decodeFloats(at, end, rows, out, 0);
  return lastInteger(at, end, rows, out);
}

/** 0, or `corrupt`, of times that blockRows() has looked at. */
export function decodeTimes(at: usize, end: usize, rows: u32, out: usize): i32 {
  const kind = <u32>load<u8>(at) >> 4;
  let time = <i64>bigEndian(at + 1);
  if (kind == kindRaw) {
    store<i64>(out, time);
    for (let row: u32 = 1; row < rows; row++) {
      time += <i64>bigEndian(at + 1 + (<usize>row << 3));
      store<i64>(out + (<usize>row << 3), time);
    }
    return 0;
  }
  const divisor = powerOfTen(load<u8>(at) & 15);
  if (kind == kindRun) {
    const delta = <i64>(varint(at + 9, varintEnd(at + 9, end)) * divisor);
    for (let row: u32 = 0; row < rows; row++) {
      store<i64>(out + (<usize>row << 3), time);
      time += delta;
    }
    return 0;
  }
  store<i64>(out, time);
  let row: u32 = 1;
  for (let word = at + 9; word < end; word += 8) {
    const packed = bigEndian(word);
    const selector = <u32>(packed >> 60);
    const count = <u32>load<u8>(countsAt + selector);
    let to = out + (<usize>row << 3);
    row += count;
    if (row > rows) return corrupt;
    if (selector < 2) {
      for (let k: u32 = 0; k < count; k++, to += 8) store<i64>(to, (time += <i64>divisor));
      continue;
    }
    const width = <u64>load<u8>(widthsAt + selector);
    const mask = (<u64>1 << width) - 1;
    let rest = packed;
    for (let k: u32 = 0; k < count; k++, to += 8) {
      store<i64>(to, (time += <i64>((rest & mask) * divisor)));
      rest >>= width;
    }
  }
  return row == rows ? 0 : corrupt;
}

function decodeIntegers(at: usize, end: usize, rows: u32, out: usize): i32 {
  const kind = <u32>load<u8>(at) >> 4;
  if (end - at < 9) return corrupt;
  let value = unzigzag(bigEndian(at + 1));
  store<i64>(out, value);
  let to = out + 8;
  if (kind == kindRaw) {
    if (end - at - 1 < <usize>rows << 3) return corrupt;
    for (let row: u32 = 1; row < rows; row++, to += 8) {
      value += unzigzag(bigEndian(at + 1 + (<usize>row << 3)));
      store<i64>(to, value);
    }
    return 0;
  }
  if (kind == kindRun) {
    const deltaEnd = runOfIntegers(at, end, rows);
    if (deltaEnd == 0) return corrupt;
    const change = unzigzag(varint(at + 9, deltaEnd));
    for (let row: u32 = 1; row < rows; row++, to += 8) store<i64>(to, (value += change));
    return 0;
  }
  if (kind != kindPacked) return corrupt;
  return unpackIntegers(at + 9, end, value, to, out + (<usize>rows << 3)) ? 0 : corrupt;
}

/** The values of a block of packed integers as 4 bytes each, and up to 32 bytes more; false when that is left to decodeValues(). */
export function decodeNarrow(type: u32, at: usize, end: usize, rows: u32, out: usize): bool {
  if (type != typeInteger || end - at < 9 || <u32>load<u8>(at) >> 4 != kindPacked) return false;
  // The first changes tell what most others are like.
  if (end - at > 9 && !hasFewBits(<u32>load<u8>(at + 9) >> 4)) return false;
  const first = unzigzag(bigEndian(at + 1));
  if (!isNarrow(first)) return false;
  store<i32>(out, <i32>first);
  return unpackNarrow(at + 9, end, <i32>first, out + 4, out + (<usize>rows << 2));
}

/** The last value, without the others. */
function lastInteger(at: usize, end: usize, rows: u32, out: usize): i32 {
  const kind = <u32>load<u8>(at) >> 4;
  if (end - at < 9) return corrupt;
  let value = unzigzag(bigEndian(at + 1));
  let row: u32 = 1;
  if (kind == kindRaw) {
    if (end - at - 1 < <usize>rows << 3) return corrupt;
    for (; row < rows; row++) value += unzigzag(bigEndian(at + 1 + (<usize>row << 3)));
  } else if (kind == kindRun) {
    const deltaEnd = runOfIntegers(at, end, rows);
    if (deltaEnd == 0) return corrupt;
    value += unzigzag(varint(at + 9, deltaEnd)) * <i64>(rows - 1);
  } else if (kind == kindPacked) {
    for (let word = at + 9; word + 8 <= end; word += 8) {
      const packed = bigEndian(word);
      const selector = <u32>(packed >> 60);
      row += load<u8>(countsAt + selector);
      value += sumOfWord(packed, selector);
    }
    if (row != rows) return corrupt;
  } else return corrupt;
  store<i64>(out, value);
  return 0;
}

/** Where the change from value to value of a run ends; 0 when it is not one of so many rows. */
function runOfIntegers(at: usize, end: usize, rows: u32): usize {
  const deltaEnd = varintEnd(at + 9, end);
  const countEnd: usize = deltaEnd == 0 ? 0 : varintEnd(deltaEnd, end);
  return countEnd == 0 || varint(deltaEnd, countEnd) != <u64>rows - 1 ? 0 : deltaEnd;
}

/** Of its changes. */
function sumOfWord(packed: u64, selector: u32): i64 {
  const count = <i64>load<u8>(countsAt + selector);
  if (selector < 2) return -count;
  const width = <u64>load<u8>(widthsAt + selector);
  const mask = (<u64>1 << width) - 1;
  let sum: i64 = 0;
  let rest = packed;
  for (let k: i64 = 0; k < count; k++, rest >>= width) sum += unzigzag(rest & mask);
  return sum;
}

/** `count` bits, 1 to 64, from bit `bit` behind `at` on. */
// @ts-ignore: decorator
@inline
function bitsAt(at: usize, bit: usize, count: u64): u64 {
  const from = at + (bit >> 3);
  const shift = <u64>(bit & 7);
  const head = bigEndian(from) << shift;
  const tail = <u64>load<u8>(from, 8) >> (8 - shift);
  return (head | tail) >> (64 - count);
}

/** `step` is from value to value in what is written. */
function decodeFloats(at: usize, end: usize, rows: u32, out: usize, step: usize): i32 {
  if (<u32>load<u8>(at) >> 4 != 1 || end - at < 9) return corrupt;
  const bits = at + 1;
  const bitsEnd = (end - bits) << 3;
  let value = bigEndian(bits);
  store<u64>(out, value);
  let bit: usize = 64;
  let leading: u64 = 0;
  let size: u64 = 64;
  let to = out + step;
  for (let row: u32 = 1; row < rows; row++, to += step) {
    // Control and widths take 13 bits at the most; what lies past the end is padding, and found out below.
    const control = bitsAt(bits, bit, 13);
    if ((control & 0x1000) == 0) bit += 1;
    else {
      bit += 2;
      if ((control & 0x800) != 0) {
        leading = (control >> 6) & 31;
        size = control & 63;
        if (size == 0) size = 64;
        bit += 11;
      }
      if (leading + size > 64) return corrupt;
      value ^= bitsAt(bits, bit, size) << (64 - leading - size);
      bit += <usize>size;
    }
    if (bit > bitsEnd) return corrupt;
    store<u64>(to, value);
  }
  return 0;
}

function decodeBooleans(at: usize, end: usize, rows: u32, out: usize): i32 {
  const bits = booleanBits(at, end, rows);
  if (bits == 0) return corrupt;
  for (let row: u32 = 0; row < rows; row++) store<u8>(out + row, booleanAt(bits, row));
  return 0;
}

/** Where the bits of `rows` values begin; 0 when they do not add up. */
function booleanBits(at: usize, end: usize, rows: u32): usize {
  const bits = varintEnd(at + 1, end);
  if (<u32>load<u8>(at) >> 4 != 1 || bits == 0 || varint(at + 1, bits) != rows) return 0;
  return end - bits < <usize>((rows + 7) >> 3) ? 0 : bits;
}

// @ts-ignore: decorator
@inline
function booleanAt(bits: usize, row: u32): u8 {
  return <u8>((<u32>load<u8>(bits + (row >> 3)) >> (7 - (row & 7))) & 1);
}

/** Turns `count` values of 8 bytes around. */
export function reverseWords(values: usize, count: u32): void {
  let low = values;
  let high = values + (<usize>count << 3) - 8;
  for (; low < high; low += 8, high -= 8) {
    const value = load<u64>(low);
    store<u64>(low, load<u64>(high));
    store<u64>(high, value);
  }
}

export function reverseBytes(values: usize, count: u32): void {
  let low = values;
  let high = values + count - 1;
  for (; low < high; low++, high--) {
    const value = load<u8>(low);
    store<u8>(low, load<u8>(high));
    store<u8>(high, value);
  }
}
