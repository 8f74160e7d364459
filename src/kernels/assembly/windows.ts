// Summaries of windows of time. A table has a record a window, the windows one behind the other from the table's first:
//
//      0 i64 count    8 sum    16 least    24 i64 its time    32 greatest    40 i64 its time
//     48 first        56 i64 its time      64 last            72 i64 its time
//
// Values are of the column's type. Points come in by series, in ascending time within one. Sums run in that order, since
// another order changes the last digit of a float. Of equal values the one of the earliest time is kept; of points at one
// time the first and last keep the greater value.

const recordBytes: usize = 80;

// What is wanted of a window, as in window-table.ts.
const wantsSum: u32 = 1;
const wantsLeast: u32 = 2;
const wantsGreatest: u32 = 4;
const wantsFirst: u32 = 8;
const wantsLast: u32 = 16;

/** The first row in [from, end) whose time is not before `time`; end when there is none. */
export function firstNotBefore(times: usize, from: u32, end: u32, time: i64): u32 {
  let low = from;
  let high = end;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (load<i64>(times + (<usize>middle << 3)) < time) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The same, found by strides from `from` on: windows mostly hold few rows. */
function endOfWindow(times: usize, from: u32, end: u32, time: i64): u32 {
  let low = from + 1;
  let stride: u32 = 4;
  while (low + stride < end && load<i64>(times + (<usize>(low + stride) << 3)) < time) {
    low += stride;
    stride <<= 1;
  }
  const high = low + stride < end ? low + stride : end;
  return low >= end ? end : firstNotBefore(times, low, high, time);
}

/**
 * Adds `count` rows to the table of `windows` windows that begin at `start` and every `interval` after it. False when a
 * time lies in none of them: what said how far the times go was wrong, and the table is worth nothing.
 */
function fold<T>(
  times: usize,
  values: usize,
  count: u32,
  table: usize,
  windows: u32,
  start: i64,
  interval: i64,
  wants: u32,
): bool {
  let from: u32 = 0;
  while (from < count) {
    const since = load<i64>(times + (<usize>from << 3)) - start;
    const number = since / interval;
    if (since < 0 || <u64>number >= <u64>windows) return false;
    const end = endOfWindow(times, from, count, start + (number + 1) * interval);
    const record = table + <usize>number * recordBytes;
    const isNew = load<i64>(record) == 0;
    store<i64>(record, load<i64>(record) + <i64>(end - from));
    if (wants & wantsSum) foldSum<T>(values, from, end, record);
    if (wants & wantsLeast) foldLeast<T>(times, values, from, end, record, isNew);
    if (wants & wantsGreatest) foldGreatest<T>(times, values, from, end, record, isNew);
    if (wants & wantsFirst) foldFirst<T>(times, values, from, record, isNew);
    if (wants & wantsLast) foldLast<T>(times, values, end - 1, record, isNew);
    from = end;
  }
  return true;
}

// @ts-ignore: decorator
@inline
function foldSum<T>(values: usize, from: u32, end: u32, record: usize): void {
  let sum = load<T>(record, 8);
  for (let row = from; row < end; row++) sum = <T>(sum + load<T>(values + (<usize>row << 3)));
  store<T>(record, sum, 8);
}

// @ts-ignore: decorator
@inline
function foldLeast<T>(times: usize, values: usize, from: u32, end: u32, record: usize, isNew: bool): void {
  let least = load<T>(values + (<usize>from << 3));
  let leastRow = from;
  for (let row = from + 1; row < end; row++) {
    const value = load<T>(values + (<usize>row << 3));
    if (value < least) {
      least = value;
      leastRow = row;
    }
  }
  const time = load<i64>(times + (<usize>leastRow << 3));
  const kept = load<T>(record, 16);
  if (!isNew && (kept < least || (kept == least && load<i64>(record, 24) <= time))) return;
  store<T>(record, least, 16);
  store<i64>(record, time, 24);
}

// @ts-ignore: decorator
@inline
function foldGreatest<T>(times: usize, values: usize, from: u32, end: u32, record: usize, isNew: bool): void {
  let greatest = load<T>(values + (<usize>from << 3));
  let greatestRow = from;
  for (let row = from + 1; row < end; row++) {
    const value = load<T>(values + (<usize>row << 3));
    if (value > greatest) {
      greatest = value;
      greatestRow = row;
    }
  }
  const time = load<i64>(times + (<usize>greatestRow << 3));
  const kept = load<T>(record, 32);
  if (!isNew && (kept > greatest || (kept == greatest && load<i64>(record, 40) <= time))) return;
  store<T>(record, greatest, 32);
  store<i64>(record, time, 40);
}

// @ts-ignore: decorator
@inline
function foldFirst<T>(times: usize, values: usize, row: u32, record: usize, isNew: bool): void {
  const time = load<i64>(times + (<usize>row << 3));
  const value = load<T>(values + (<usize>row << 3));
  const kept = load<i64>(record, 56);
  if (!isNew && (kept < time || (kept == time && load<T>(record, 48) >= value))) return;
  store<T>(record, value, 48);
  store<i64>(record, time, 56);
}

// @ts-ignore: decorator
@inline
function foldLast<T>(times: usize, values: usize, row: u32, record: usize, isNew: bool): void {
  const time = load<i64>(times + (<usize>row << 3));
  const value = load<T>(values + (<usize>row << 3));
  const kept = load<i64>(record, 72);
  if (!isNew && (kept > time || (kept == time && load<T>(record, 64) >= value))) return;
  store<T>(record, value, 64);
  store<i64>(record, time, 72);
}

export function foldFloats(
  times: usize,
  values: usize,
  count: u32,
  table: usize,
  windows: u32,
  start: i64,
  interval: i64,
  wants: u32,
): bool {
  return fold<f64>(times, values, count, table, windows, start, interval, wants);
}

export function foldIntegers(
  times: usize,
  values: usize,
  count: u32,
  table: usize,
  windows: u32,
  start: i64,
  interval: i64,
  wants: u32,
): bool {
  return fold<i64>(times, values, count, table, windows, start, interval, wants);
}

export function foldUnsigned(
  times: usize,
  values: usize,
  count: u32,
  table: usize,
  windows: u32,
  start: i64,
  interval: i64,
  wants: u32,
): bool {
  return fold<u64>(times, values, count, table, windows, start, interval, wants);
}

/**
 * Writes the windows that have points as columns, one behind the other, each of as many words as there are such windows:
 * starts, counts, then of what is wanted: sums; least values, their times; greatest, times; first, times; last, times.
 * Answers how many windows there are.
 */
export function packWindows(table: usize, windows: u32, start: i64, interval: i64, wants: u32, out: usize): u32 {
  let found: u32 = 0;
  for (let number: u32 = 0; number < windows; number++)
    if (load<i64>(table + <usize>number * recordBytes) != 0) found++;
  const column = <usize>found << 3;
  let to = out;
  for (let number: u32 = 0; number < windows; number++) {
    const record = table + <usize>number * recordBytes;
    const count = load<i64>(record);
    if (count == 0) continue;
    store<i64>(to, start + <i64>number * interval);
    store<i64>(to + column, count);
    to += 8;
  }
  to = out + column * 2;
  for (let field: u32 = 0; field < 9; field++) {
    // Field 0 is the sum; then values and times take turns.
    const want = <u32>1 << ((field + 1) >> 1);
    if ((wants & want) == 0) continue;
    for (let number: u32 = 0; number < windows; number++) {
      const record = table + <usize>number * recordBytes;
      if (load<i64>(record) == 0) continue;
      store<u64>(to, load<u64>(record + 8 + (<usize>field << 3)));
      to += 8;
    }
  }
  return found;
}
