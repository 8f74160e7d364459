// Rows of a memtable to the bytes of TSM blocks. Twins: encodeTimes, encodeIntegers, encodeFloats and encodeBlock of codec/,
// which these equal byte for byte; strings are left to them.

const countsAt = memory.data<u8>([240, 120, 60, 30, 20, 15, 12, 10, 8, 7, 6, 5, 4, 3, 2, 1]);
const widthsAt = memory.data<u8>([0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20, 30, 60]);

const typeFloat: u32 = 0;
const typeBoolean: u32 = 2;

const kindRaw: u8 = 0;
const kindPacked: u8 = 1;
const kindRun: u8 = 2;

/** Doubles hold integers exactly below it: the twins give up packing there. */
const packedMax: u64 = 1 << 53;

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

/**
 * The rows of a series in order of arrival, from its last one back along `previous` (rows + 1, 0 at the end). Answers how
 * many there are, none when there are more than `rowsMax`.
 */
export function collectRows(previous: usize, last: u32, rows: usize, rowsMax: u32): u32 {
  let count: u32 = 0;
  for (let next = last; next != 0 && count < rowsMax; count++) {
    store<u32>(rows + (<usize>count << 2), next - 1);
    next = load<u32>(previous + (<usize>(next - 1) << 2));
  }
  let low = rows;
  let high = rows + (<usize>count << 2) - 4;
  for (; low < high; low += 4, high -= 4) {
    const row = load<u32>(low);
    store<u32>(low, load<u32>(high));
    store<u32>(high, row);
  }
  return count;
}

export function gatherWords(values: usize, rows: usize, count: u32, out: usize): void {
  for (let i: u32 = 0; i < count; i++)
    store<u64>(out + (<usize>i << 3), load<u64>(values + (<usize>load<u32>(rows + (<usize>i << 2)) << 3)));
}

export function gatherBytes(values: usize, rows: usize, count: u32, out: usize): void {
  for (let i: u32 = 0; i < count; i++) store<u8>(out + i, load<u8>(values + load<u32>(rows + (<usize>i << 2))));
}

/** Whether each time is later than the one before. */
export function isAscending(times: usize, count: u32): bool {
  for (let i: u32 = 1; i < count; i++) {
    const at = times + (<usize>i << 3);
    if (load<i64>(at) <= load<i64>(at - 8)) return false;
  }
  return true;
}

/** Packs `count` values below 2^60; answers where they end. */
function packWords(values: usize, count: u32, out: usize): usize {
  let i: u32 = 0;
  while (i < count) {
    let selector: u32 = 2;
    for (; selector < 15; selector++) {
      const wanted = <u32>load<u8>(countsAt + selector);
      if (i + wanted > count) continue;
      const limit = <u64>1 << <u64>load<u8>(widthsAt + selector);
      let fit: u32 = 0;
      while (fit < wanted && load<u64>(values + (<usize>(i + fit) << 3)) < limit) fit++;
      if (fit == wanted) break;
    }
    const width = <u64>load<u8>(widthsAt + selector);
    const taken = <u32>load<u8>(countsAt + selector);
    let word = <u64>selector << 60;
    let shift: u64 = 0;
    for (let k: u32 = 0; k < taken; k++, shift += width)
      word |= load<u64>(values + (<usize>(i + k) << 3)) << shift;
    storeBig(out, word);
    out += 8;
    i += taken;
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
  for (let i: u32 = 1; i < count; i++) {
    const at = times + (<usize>i << 3);
    const delta = load<u64>(at) - load<u64>(at - 8);
    store<u64>(scratch + (<usize>i << 3), delta);
    if (delta > largest) largest = delta;
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
  let isRun = count > 2;
  let isWide = false;
  let step: u64 = 0;
  for (let i: u32 = 1; i < count; i++) {
    const at = values + (<usize>i << 3);
    const value = load<i64>(at);
    const before = load<i64>(at - 8);
    const difference = value - before;
    const delta = zigzag(difference);
    store<u64>(scratch + (<usize>i << 3), delta);
    if (i == 1) step = delta;
    // The difference of two int64 may not be one itself: it is wide then as well.
    const overflows = ((value ^ before) & (value ^ difference)) < 0;
    if (delta >= packedMax || overflows) isWide = true;
    if (delta != step) isRun = false;
  }
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
  return packWords(scratch + 8, count - 1, out + 9);
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

function encodeFloats(values: usize, count: u32, out: usize): usize {
  store<u8>(out, 1 << 4);
  bitsAt = out + 1;
  bitsWord = 0;
  bitsFree = 64;
  let before = load<u64>(values);
  putBits(before, 64);
  let leading: u64 = 0;
  let trailing: u64 = 0;
  let isOpen = false;
  for (let i: u32 = 1; i <= count; i++) {
    const value = i == count ? endOfFloats : load<u64>(values + (<usize>i << 3));
    const change = value ^ before;
    before = value;
    if (change == 0) {
      putBits(0, 1);
      continue;
    }
    // The count of leading zeros has five bits, and wraps.
    const lead = clz(change) & 31;
    const tail = ctz(change);
    if (isOpen && lead >= leading && tail >= trailing) putBits(2, 2);
    else {
      isOpen = true;
      leading = lead;
      trailing = tail;
      putBits((<u64>3 << 11) | (lead << 6) | ((64 - lead - tail) & 63), 13);
    }
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
  if (type == typeFloat) return <u32>(encodeFloats(values, count, from) - out);
  if (type == typeBoolean) return <u32>(encodeBooleans(values, count, from) - out);
  return <u32>(encodeIntegers(values, count, scratch, from) - out);
}

/**
 * Orders rows and their times by time, those of one time by their place before, of which only the last is kept. Rows come
 * mostly in order, so that runs that ascend are found and merged. `spareTimes` and `spareRows` have room for all, `runs`
 * for 4 bytes a row and 4 more. Answers how many rows are kept.
 */
export function orderRows(
  times: usize,
  rows: usize,
  count: u32,
  spareTimes: usize,
  spareRows: usize,
  runs: usize,
): u32 {
  let runCount: u32 = 0;
  store<u32>(runs, 0);
  for (let i: u32 = 1; i < count; i++) {
    const at = times + (<usize>i << 3);
    if (load<i64>(at) >= load<i64>(at - 8)) continue;
    runCount++;
    store<u32>(runs + (<usize>runCount << 2), i);
  }
  runCount++;
  store<u32>(runs + (<usize>runCount << 2), count);
  let fromTimes = times;
  let fromRows = rows;
  let toTimes = spareTimes;
  let toRows = spareRows;
  while (runCount > 1) {
    let merged: u32 = 0;
    for (let run: u32 = 0; run < runCount; run += 2) {
      const start = load<u32>(runs + (<usize>run << 2));
      const middle = load<u32>(runs + (<usize>(run + 1) << 2));
      const end = run + 2 <= runCount ? load<u32>(runs + (<usize>(run + 2) << 2)) : middle;
      mergeRuns(fromTimes, fromRows, start, middle, end, toTimes, toRows);
      store<u32>(runs + (<usize>merged << 2), start);
      merged++;
    }
    store<u32>(runs + (<usize>merged << 2), count);
    runCount = merged;
    const heldTimes = fromTimes;
    const heldRows = fromRows;
    fromTimes = toTimes;
    fromRows = toRows;
    toTimes = heldTimes;
    toRows = heldRows;
  }
  let kept: u32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const time = load<i64>(fromTimes + (<usize>i << 3));
    if (i + 1 < count && load<i64>(fromTimes + (<usize>(i + 1) << 3)) == time) continue;
    store<i64>(times + (<usize>kept << 3), time);
    store<u32>(rows + (<usize>kept << 2), load<u32>(fromRows + (<usize>i << 2)));
    kept++;
  }
  return kept;
}

function mergeRuns(
  times: usize,
  rows: usize,
  start: u32,
  middle: u32,
  end: u32,
  toTimes: usize,
  toRows: usize,
): void {
  let left = start;
  let right = middle;
  for (let to = start; to < end; to++) {
    const isLeft =
      left < middle &&
      (right >= end || load<i64>(times + (<usize>left << 3)) <= load<i64>(times + (<usize>right << 3)));
    const from = isLeft ? left++ : right++;
    store<i64>(toTimes + (<usize>to << 3), load<i64>(times + (<usize>from << 3)));
    store<u32>(toRows + (<usize>to << 2), load<u32>(rows + (<usize>from << 2)));
  }
}
