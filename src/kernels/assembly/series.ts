// The series of a shard: three tables of keys (table.ts). Series are known by their canonical keys; measurements by the part
// of the key before its tags, as it is written there; tag keys by [u32 number of the measurement][key as it is written].
// A series' words are the number of its measurement, and the series of that measurement before it, + 1. A measurement's are
// its latest series, + 1, and how many it has. Twin: the plain index of
// storage/index/shard-index.fuzz.test.ts.

import { isEqual } from './bytes';
import { hasRoom, keyBytes, keyLength, recordOf, tableCount, tableFind, tableIntern } from './table';

/** Tag keys longer than that are not listed: no point has them, as a key with a field has at most 65,535 bytes. */
const tagKeyBytesMax: u32 = 65_535;

/** Where the part that starts at `at` ends: at a `stop` that no backslash stands before, or at the end. */
// @ts-ignore: decorator
@inline
function endOfPart(at: usize, end: usize, stop: u32): usize {
  let before: u32 = 0;
  for (; at < end; at++) {
    const byte = <u32>load<u8>(at);
    if (byte == stop && before != 92) return at;
    before = byte;
  }
  return end;
}

/**
 * Ids of `count` series from number `from` on, whose keys are at bytes[offsets[i], offsets[i + 1]); new ones come to be.
 * Those that `taken` (a byte each, or 0 for all) leaves out are not looked at. `scratch` has 65,552 bytes. Answers where it
 * stopped: at `count`, or where a table lacks room.
 */
export function resolveSeries(
  series: usize,
  measurements: usize,
  tagKeys: usize,
  scratch: usize,
  offsets: usize,
  bytes: usize,
  from: u32,
  count: u32,
  taken: usize,
  ids: usize,
): u32 {
  let next: u32 = 0;
  for (let i = from; i < count; i++) {
    if (taken != 0 && load<u8>(taken + i) == 0) continue;
    const start = load<u32>(offsets + (<usize>i << 2));
    const length = load<u32>(offsets + (<usize>i << 2), 4) - start;
    const ptr = bytes + start;
    let id = findFrom(series, next, ptr, length);
    if (id < 0) id = addSeries(series, measurements, tagKeys, scratch, ptr, length);
    if (id < 0) return i;
    store<u32>(ids + (<usize>i << 2), id);
    next = <u32>id + 1;
  }
  return count;
}

/** tableFind() of a key that likely has this id: clients mostly send their series in the order in which they first came. */
// @ts-ignore: decorator
@inline
function findFrom(series: usize, guess: u32, ptr: usize, length: u32): i32 {
  const likely = guess < tableCount(series) ? guess : 0;
  if (tableCount(series) > 0) {
    const record = recordOf(series, likely);
    if (keyLength(record) == length && isEqual(keyBytes(record), ptr, length)) return likely;
  }
  return tableFind(series, ptr, length);
}

/** A byte for each of the series: 1 when it is not there yet. Answers how many are not. */
export function unknownSeries(series: usize, offsets: usize, bytes: usize, count: u32, out: usize): u32 {
  let unknown: u32 = 0;
  let next: u32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const start = load<u32>(offsets + (<usize>i << 2));
    const id = findFrom(series, next, bytes + start, load<u32>(offsets + (<usize>i << 2), 4) - start);
    const isNew = id < 0;
    if (!isNew) next = <u32>id + 1;
    store<u8>(out + i, <u8>isNew);
    unknown += <u32>isNew;
  }
  return unknown;
}

function addSeries(
  series: usize,
  measurements: usize,
  tagKeys: usize,
  scratch: usize,
  ptr: usize,
  length: u32,
): i32 {
  if (!hasRoom(series, length)) return -1;
  const end = ptr + length;
  let at = endOfPart(ptr, end, 44);
  const measurement = tableIntern(measurements, ptr, <u32>(at - ptr));
  if (measurement < 0) return -1;
  store<u32>(scratch, measurement);
  while (at < end) {
    const start = at + 1;
    at = endOfPart(start, end, 44);
    const tagKeyBytes = <u32>(endOfPart(start, at, 61) - start);
    if (tagKeyBytes > tagKeyBytesMax) continue;
    memory.copy(scratch + 4, start, tagKeyBytes);
    if (tableIntern(tagKeys, scratch, tagKeyBytes + 4) < 0) return -1;
  }
  const id = tableIntern(series, ptr, length);
  if (hasSeparator(ptr, length)) store<u32>(series, 1, 32);
  const own = recordOf(measurements, measurement);
  const record = recordOf(series, id);
  store<u32>(record, measurement, 4);
  store<u32>(record, load<u32>(own, 4), 8);
  store<u32>(own, id + 1, 4);
  store<u32>(own, load<u32>(own, 8) + 1, 8);
  return id;
}

/** Whether #!~ is among the bytes. */
function hasSeparator(ptr: usize, length: u32): bool {
  for (let i: u32 = 0; i + 2 < length; i++)
    if (load<u8>(ptr + i) == 35 && load<u16>(ptr + i, 1) == 0x7e21) return true;
  return false;
}

/** The series of a measurement in order of arrival: those from number `from` on, up to the latest, go to out[from]... */
export function listMembers(series: usize, measurements: usize, measurement: u32, from: u32, out: usize): void {
  const own = recordOf(measurements, measurement);
  let next = load<u32>(own, 4);
  for (let number = load<u32>(own, 8); number > from; number--) {
    store<u32>(out + (<usize>(number - 1) << 2), next - 1);
    next = load<u32>(recordOf(series, next - 1), 8);
  }
}

/**
 * The values that members `from` up to `end` have of a tag: values[i] becomes the number of the value in the table, + 1, or
 * 0. Answers where it stopped: at `end`, or where the table lacks room.
 */
export function listTag(
  series: usize,
  members: usize,
  from: u32,
  end: u32,
  tagKey: usize,
  tagKeyBytes: u32,
  table: usize,
  values: usize,
): u32 {
  for (let i = from; i < end; i++) {
    const record = recordOf(series, load<u32>(members + (<usize>i << 2)));
    const value = valueOf(record, tagKey, tagKeyBytes);
    let number: i32 = 0;
    if (value != 0) {
      number = tableIntern(table, value, valueBytes) + 1;
      if (number == 0) return i;
    }
    store<u32>(values + (<usize>i << 2), number);
  }
  return end;
}

/** Of the value found last. */
let valueBytes: u32 = 0;

/** Where a series has the value of a tag; 0 when it has none. */
function valueOf(record: usize, tagKey: usize, tagKeyBytes: u32): usize {
  const ptr = keyBytes(record);
  const end = ptr + keyLength(record);
  let at = endOfPart(ptr, end, 44);
  while (at < end) {
    const start = at + 1;
    at = endOfPart(start, end, 44);
    const equals = endOfPart(start, at, 61);
    if (<u32>(equals - start) != tagKeyBytes || !isEqual(start, tagKey, tagKeyBytes)) continue;
    valueBytes = equals < at ? <u32>(at - equals - 1) : 0;
    return equals + 1;
  }
  return 0;
}

/** The members whose value is wanted: wanted[number] is not 0. Answers how many. */
export function selectMembers(members: usize, values: usize, count: u32, wanted: usize, out: usize): u32 {
  let found: u32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    store<u32>(out + (<usize>found << 2), load<u32>(members + (<usize>i << 2)));
    found += load<u8>(wanted + load<u32>(values + (<usize>i << 2)));
  }
  return found;
}

/** How many of the first bytes of all keys are the same. */
function commonBytes(series: usize, ids: usize, count: u32): u32 {
  const first = recordOf(series, load<u32>(ids));
  let common = keyLength(first);
  for (let i: u32 = 1; i < count && common > 0; i++) {
    const record = recordOf(series, load<u32>(ids + (<usize>i << 2)));
    const length = min(common, keyLength(record));
    let same: u32 = 0;
    while (same < length && load<u8>(keyBytes(record) + same) == load<u8>(keyBytes(first) + same)) same++;
    common = same;
  }
  return common;
}

/**
 * First step of sorting series by their keys: pairs of [the 8 bytes of the key behind those that all have u64][id u32]
 * [0 u32]. The keys end with `tail` (up to 8 bytes, the first one highest) as if it were written behind them. Answers how
 * many bytes all keys begin with.
 */
export function sortStart(series: usize, ids: usize, count: u32, tail: u64, pairs: usize): u32 {
  const common = commonBytes(series, ids, count);
  for (let i: u32 = 0; i < count; i++) {
    const id = load<u32>(ids + (<usize>i << 2));
    const record = recordOf(series, id);
    const rest = keyLength(record) - common;
    const ptr = keyBytes(record) + common;
    let word: u64 = 0;
    if (rest >= 8) word = bswap<u64>(load<u64>(ptr));
    else {
      for (let k: u32 = 0; k < rest; k++) word |= <u64>load<u8>(ptr + k) << ((7 - k) << 3);
      word |= tail >> (rest << 3);
    }
    const pair = pairs + (<usize>i << 4);
    store<u64>(pair, word);
    store<u64>(pair, id, 8);
  }
  return common;
}

/** Merges runs of `width` pairs each; answers whether there is but one run then. */
export function sortPass(
  series: usize,
  from: usize,
  to: usize,
  count: u32,
  width: u32,
  common: u32,
  tail: u64,
): bool {
  for (let start: u32 = 0; start < count; ) {
    const middle = min(start + width, count);
    const end = min(middle + width, count);
    let left = start;
    let right = middle;
    for (let out = start; out < end; out++) {
      const isLeft =
        left < middle &&
        (right >= end || isBefore(series, from + (<usize>left << 4), from + (<usize>right << 4), common, tail));
      const taken = from + (<usize>(isLeft ? left++ : right++) << 4);
      v128.store(to + (<usize>out << 4), v128.load(taken));
    }
    start = end;
  }
  return width >= count - width || width * 2 >= count;
}

/** Whether pairs are in order of their keys. */
export function areSorted(series: usize, pairs: usize, count: u32, common: u32, tail: u64): bool {
  for (let i: u32 = 1; i < count; i++) {
    const pair = pairs + (<usize>i << 4);
    if (isBefore(series, pair, pair - 16, common, tail)) return false;
  }
  return true;
}

function isBefore(series: usize, a: usize, b: usize, common: u32, tail: u64): bool {
  const x = load<u64>(a);
  const y = load<u64>(b);
  if (x != y) return x < y;
  const one = recordOf(series, load<u32>(a, 8));
  const other = recordOf(series, load<u32>(b, 8));
  let p = keyBytes(one) + common;
  let q = keyBytes(other) + common;
  const pEnd = keyBytes(one) + keyLength(one);
  const qEnd = keyBytes(other) + keyLength(other);
  while (p < pEnd && q < qEnd) {
    if (load<u8>(p) != load<u8>(q)) return load<u8>(p) < load<u8>(q);
    p++;
    q++;
  }
  // Each goes on with the tail behind its own end; what ends sooner comes first.
  let pTail = tail;
  let qTail = tail;
  while (true) {
    let left: u32 = 0;
    if (p < pEnd) left = <u32>load<u8>(p++) + 1;
    else if (pTail != 0) {
      left = <u32>(pTail >> 56) + 1;
      pTail <<= 8;
    }
    let right: u32 = 0;
    if (q < qEnd) right = <u32>load<u8>(q++) + 1;
    else if (qTail != 0) {
      right = <u32>(qTail >> 56) + 1;
      qTail <<= 8;
    }
    if (left != right) return left < right;
    if (left == 0) return false;
  }
}

/** The ids of sorted pairs. */
export function sortEnd(pairs: usize, count: u32, out: usize): void {
  for (let i: u32 = 0; i < count; i++)
    store<u32>(out + (<usize>i << 2), load<u32>(pairs + (<usize>i << 4), 8));
}
