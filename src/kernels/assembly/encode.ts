// Rows of a memtable to the bytes of TSM blocks. Twins: encodeTimes, encodeIntegers, encodeFloats and encodeBlock of codec/,
// which these equal byte for byte; strings are left to them. `scratch` has room for 8 bytes a row.
import { planWords } from './close-words.ts';
import { planWindows, windowStays } from './float-windows.ts';

const countsAt = memory.data<u8>([240, 120, 60, 30, 20, 15, 12, 10, 8, 7, 6, 5, 4, 3, 2, 1]);
const widthsAt = memory.data<u8>([0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20, 30, 60]);

const typeFloat: u32 = 0;
const typeBoolean: u32 = 2;

const kindRaw: u8 = 0;
const kindPacked: u8 = 1;
const kindRun: u8 = 2;

/** Selectors of words with 60 values of a bit, and with one of 60 bits. */
const selectorOfMost: u32 = 2;
const selectorOfOne: u32 = 15;

/** Doubles hold integers exactly below it: the twins give up packing there. */
const packedBits: i32 = 53;
const packedMax: u64 = 1 << packedBits;

// @ts-ignore: decorator
@inline
function storeBig(at: usize, value: u64): void {
  store<u64>(at, bswap<u64>(value));
}

// @ts-ignore: decorator
@inline
function zigzag(value: i64): u64 {
  return <u64>((value << 1) ^ (value >> 63));
}

/** Writes a varint; answers where it ends. */
function putVarint(at: usize, value: u64): usize {
  let rest = value;
  while (rest >= 0x80) {
    store<u8>(at++, <u8>rest | 0x80);
    rest >>= 7;
  }
  store<u8>(at++, <u8>rest);
  return at;
}

/** All bits of `count` values, at least one. */
// @ts-ignore: decorator
@inline
function bitsOf(values: usize, count: u32): u64 {
  if (count == 1) return load<u64>(values);
  // The last pair may have a value of the one before it.
  const last = values + (<usize>(count - 2) << 3);
  let bits = v128.load(last);
  for (let at = values; at < last; at += 16) bits = v128.or(bits, v128.load(at));
  return <u64>(i64x2.extract_lane(bits, 0) | i64x2.extract_lane(bits, 1));
}

/** Whether a word of this selector takes the next of `left` values. */
// @ts-ignore: decorator
@inline
function takes(selector: u32, values: usize, left: u32): bool {
  const count = <u32>load<u8>(countsAt + selector);
  return count <= left && bitsOf(values, count) >> <u64>load<u8>(widthsAt + selector) == 0;
}

/** Packs `count` values below 2^60, as many into each word as fit; answers where they end. */
function packWords(values: usize, count: u32, out: usize): usize {
  const end = values + (<usize>count << 3);
  let at = values;
  // With fewer values in a word each has more bits: from the selector of the word before there is one way to go.
  let selector: u32 = selectorOfOne;
  while (at < end) {
    const left = <u32>((end - at) >> 3);
    if (takes(selector, at, left)) {
      while (selector > selectorOfMost && takes(selector - 1, at, left)) selector--;
    } else {
      selector++;
      while (!takes(selector, at, left)) selector++;
    }
    storeBig(out, wordOf(at, selector));
    at += <usize>load<u8>(countsAt + selector) << 3;
    out += 8;
  }
  return out;
}

// @ts-ignore: decorator
@inline
function wordOf(values: usize, selector: u32): u64 {
  const width = <u64>load<u8>(widthsAt + selector);
  const end = values + (<usize>load<u8>(countsAt + selector) << 3);
  let word = <u64>selector << 60;
  for (let at = values, shift: u64 = 0; at < end; at += 8, shift += width) word |= load<u64>(at) << shift;
  return word;
}

/** The same in as few words as there can be; `plan` has room for 5 bytes a value and 16 more. */
function packClosely(values: usize, count: u32, plan: usize, out: usize): usize {
  planWords(values, count, plan);
  for (let i: u32 = 0; i < count; out += 8) {
    const selector = <u32>load<u8>(plan + i);
    storeBig(out, wordOf(values + (<usize>i << 3), selector));
    i += load<u8>(countsAt + selector);
  }
  return out;
}

/** Encodes ascending times; `scratch` has room for 8 bytes a row. Answers the number of bytes. */
export function encodeTimes(times: usize, count: u32, scratch: usize, out: usize): u32 {
  const first = load<i64>(times);
  let isRun = true;
  let largest: u64 = 0;
  let divisor: u64 = 1000000000000;
  let power: u32 = 12;
  const step = count > 1 ? load<u64>(times + 8) - <u64>first : 0;
  // Of equal differences one is looked at.
  let before: u64 = 0;
  for (let i: u32 = 1; i < count; i++) {
    const at = times + (<usize>i << 3);
    const delta = load<u64>(at) - load<u64>(at - 8);
    store<u64>(scratch + (<usize>i << 3), delta);
    if (delta > largest) largest = delta;
    if (delta == before) continue;
    before = delta;
    if (delta != step) isRun = false;
    while (power > 0 && delta % divisor != 0) {
      power--;
      divisor /= 10;
    }
  }
  if (largest >= packedMax) {
    store<u8>(out, kindRaw << 4);
    storeBig(out + 1, <u64>first);
    for (let i: u32 = 1; i < count; i++)
      storeBig(out + 1 + (<usize>i << 3), load<u64>(scratch + (<usize>i << 3)));
    return 1 + (count << 3);
  }
  storeBig(out + 1, <u64>first);
  if (isRun && count > 1) {
    store<u8>(out, (kindRun << 4) | <u8>power);
    return <u32>(putVarint(putVarint(out + 9, step / divisor), count) - out);
  }
  store<u8>(out, (kindPacked << 4) | <u8>power);
  if (divisor > 1)
    for (let i: u32 = 1; i < count; i++) {
      const at = scratch + (<usize>i << 3);
      store<u64>(at, load<u64>(at) / divisor);
    }
  return <u32>(packWords(scratch + 8, count - 1, out + 9) - out);
}

function encodeIntegers(values: usize, count: u32, scratch: usize, out: usize): usize {
  const first = zigzag(load<i64>(values));
  const step = count > 1 ? zigzag(load<i64>(values + 8) - load<i64>(values)) : 0;
  const steps = i64x2.splat(step);
  let bits = i64x2.splat(0);
  let others = i64x2.splat(0);
  let overflows = i64x2.splat(0);
  // Two at a time; the last pair may have a value of the one before it.
  for (let i: u32 = 1; i < count; i += 2) {
    if (i + 1 == count && i > 1) i--;
    const at = values + (<usize>i << 3);
    const isPair = i + 1 < count;
    const value = isPair ? v128.load(at) : v128.load64_splat(at);
    const before = isPair ? v128.load(at - 8) : v128.load64_splat(at - 8);
    const difference = i64x2.sub(value, before);
    const delta = v128.xor(i64x2.shl(difference, 1), i64x2.shr_s(difference, 63));
    v128.store(scratch + (<usize>i << 3), delta);
    bits = v128.or(bits, delta);
    others = v128.or(others, v128.xor(delta, steps));
    // The difference of two int64 may not be one itself: it is wide then as well.
    overflows = v128.or(overflows, v128.and(v128.xor(value, before), v128.xor(value, difference)));
  }
  const isRun = count > 2 && !v128.any_true(others);
  const isWide = i64x2.bitmask(overflows) != 0 || v128.any_true(i64x2.shr_u(bits, packedBits));
  storeBig(out + 1, first);
  if (isWide) {
    store<u8>(out, kindRaw << 4);
    for (let i: u32 = 1; i < count; i++)
      storeBig(out + 1 + (<usize>i << 3), load<u64>(scratch + (<usize>i << 3)));
    return out + 1 + (<usize>count << 3);
  }
  if (isRun) {
    store<u8>(out, kindRun << 4);
    return putVarint(putVarint(out + 9, step), count - 1);
  }
  store<u8>(out, kindPacked << 4);
  if (!isClose) return packWords(scratch + 8, count - 1, out + 9);
  return packClosely(scratch + 8, count - 1, scratch + (<usize>count << 3), out + 9);
}

/** Bits on their way out, the highest first: those of the last, unfinished word. */
let bitsAt: usize = 0;
let bitsWord: u64 = 0;
let bitsFree: u64 = 64;

// @ts-ignore: decorator
@inline
function putBits(value: u64, count: u64): void {
  if (count < bitsFree) {
    bitsFree -= count;
    bitsWord |= value << bitsFree;
    return;
  }
  const left = count - bitsFree;
  storeBig(bitsAt, bitsWord | (value >> left));
  bitsAt += 8;
  bitsFree = 64 - left;
  bitsWord = left == 0 ? 0 : value << bitsFree;
}

const endOfFloats: u64 = 0x7ff8000000000001;

function encodeFloats(values: usize, count: u32, scratch: usize, out: usize): usize {
  planWindows(values, count, endOfFloats, scratch, isClose);
  let plan = scratch + <usize>count * 2;
  store<u8>(out, 1 << 4);
  bitsAt = out + 1;
  bitsWord = 0;
  bitsFree = 64;
  let before = load<u64>(values);
  putBits(before, 64);
  let leading: u64 = 0;
  let trailing: u64 = 0;
  for (let i: u32 = 1; i <= count; i++) {
    const value = i == count ? endOfFloats : load<u64>(values + (<usize>i << 3));
    const change = value ^ before;
    before = value;
    if (change == 0) {
      putBits(0, 1);
      continue;
    }
    const lead = load<u8>(plan);
    if (lead == windowStays) putBits(2, 2);
    else {
      leading = lead;
      trailing = load<u8>(plan + count);
      putBits((<u64>3 << 11) | (leading << 6) | ((64 - leading - trailing) & 63), 13);
    }
    plan++;
    const width = 64 - leading - trailing;
    putBits((change >> trailing) & (width == 64 ? ~<u64>0 : (<u64>1 << width) - 1), width);
  }
  const bytes = (64 - bitsFree + 7) >> 3;
  storeBig(bitsAt, bitsWord);
  return bitsAt + <usize>bytes;
}

function encodeBooleans(values: usize, count: u32, out: usize): usize {
  store<u8>(out, 1 << 4);
  const bits = putVarint(out + 1, count);
  const end = bits + ((count + 7) >> 3);
  memory.fill(bits, 0, end - bits);
  for (let i: u32 = 0; i < count; i++) {
    if (load<u8>(values + i) == 0) continue;
    const at = bits + (i >> 3);
    store<u8>(at, load<u8>(at) | <u8>(<u32>128 >> (i & 7)));
  }
  return end;
}

let isClose: bool = false;

/** Whether blocks that come are packed as closely as can be: `scratch` then has room for 13 bytes a row and 16 more. */
export function setClose(wanted: bool): void {
  isClose = wanted;
}

/** A whole block of `count` rows whose times are encoded already. Answers the number of bytes. */
export function encodeBlock(
  type: u32,
  times: usize,
  timesLength: u32,
  values: usize,
  count: u32,
  scratch: usize,
  out: usize,
): u32 {
  store<u8>(out, <u8>type);
  const to = putVarint(out + 1, timesLength);
  memory.copy(to, times, timesLength);
  const from = to + timesLength;
  if (type == typeFloat) return <u32>(encodeFloats(values, count, scratch, from) - out);
  if (type == typeBoolean) return <u32>(encodeBooleans(values, count, from) - out);
  return <u32>(encodeIntegers(values, count, scratch, from) - out);
}
