// Summaries of windows of time. A table has a record a window, the windows one behind the other from the table's first:
//
//      0 i64 count    8 sum    16 least    24 i64 its time    32 greatest    40 i64 its time
//     48 first        56 i64 its time      64 last            72 i64 its time
//
// Values are of the column's type. Points come in by series, in ascending time within one. Sums run in that order, since
// another order changes the last digit of a float. Of equal values the one of the earliest time is kept; of points at one
// time the first and last keep the greater value; of zeros at one time the positive one is kept.

const recordBytes: usize = 80;
const rangeBytes: usize = 12;
const outside: i32 = -1;

const typeFloat: u32 = 0;
const typeInteger: u32 = 1;

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
 * Which of the rows [from, end) lie in which of `windows` windows that begin at `start` and every `interval` after it: 12 bytes
 * each, u32 the window, its first row and the one past its last, in the order of time. Answers how many; `outside` when a time
 * lies in none of them: what said how far the times go was wrong.
 */
export function windowRows(
  times: usize,
  from: u32,
  end: u32,
  windows: u32,
  start: i64,
  interval: i64,
  out: usize,
): i32 {
  let found: i32 = 0;
  for (let row = from; row < end; found++) {
    const since = load<i64>(times + (<usize>row << 3)) - start;
    const number = since / interval;
    if (since < 0 || <u64>number >= <u64>windows) return outside;
    const next = endOfWindow(times, row, end, start + (number + 1) * interval);
    store<u32>(out, <u32>number);
    store<u32>(out, row, 4);
    store<u32>(out, next, 8);
    out += rangeBytes;
    row = next;
  }
  return found;
}

/**
 * Adds the rows of `count` ranges of windowRows() to the tables of `columnCount` columns, 16 bytes each: u32 the type as
 * window-table.ts numbers it, what is wanted, values, table.
 */
export function foldColumns(ranges: usize, count: u32, times: usize, columns: usize, columnCount: u32): void {
  for (let i: u32 = 0; i < columnCount; i++, columns += 16)
    foldRows(columns, load<u32>(columns, 8), false, ranges, count, times, 0, 0);
}

/**
 * The same of one column whose values lie at `values`, those of whole numbers as 4 bytes if `isNarrow`. With `times` 0 the time of
 * row i is `first + i * step`: those of most blocks of files are known without a list of them.
 */
export function foldRows(
  column: usize,
  values: usize,
  isNarrow: bool,
  ranges: usize,
  count: u32,
  times: usize,
  first: i64,
  step: i64,
): void {
  const type = load<u32>(column);
  const wants = load<u32>(column, 4);
  const table = <usize>load<u32>(column, 12);
  if (isNarrow) fold<i32, i64>(ranges, count, times, first, step, values, table, wants);
  else if (type == typeFloat) fold<f64, f64>(ranges, count, times, first, step, values, table, wants);
  else if (type == typeInteger) fold<i64, i64>(ranges, count, times, first, step, values, table, wants);
  else fold<u64, u64>(ranges, count, times, first, step, values, table, wants);
}

// @ts-ignore: decorator
@inline
function timeOf(times: usize, first: i64, step: i64, row: u32): i64 {
  return times != 0 ? load<i64>(times + (<usize>row << 3)) : first + step * <i64>row;
}

/** Values are read as T and kept as R. */
// @ts-ignore: decorator
@inline
function fold<T, R>(
  ranges: usize,
  count: u32,
  times: usize,
  first: i64,
  step: i64,
  values: usize,
  table: usize,
  wants: u32,
): void {
  if (wants & wantsSum) foldSums<T>(ranges, count, values, table);
  const isMore = (wants & ~wantsSum) != 0;
  for (let i: u32 = 0; i < count; i++, ranges += rangeBytes) {
    const from = load<u32>(ranges, 4);
    const end = load<u32>(ranges, 8);
    const record = recordOf(ranges, table);
    const before = load<i64>(record);
    store<i64>(record, before + <i64>(end - from));
    if (!isMore) continue;
    const isNew = before == 0;
    if (wants & wantsLeast) {
      if (sizeof<T>() == 4) foldExtreme(values, from, end, times, first, step, record, isNew, true);
      else {
        const row = leastRow<T>(values, from, end);
        keepLeast<R>(<R>valueAt<T>(values, row), timeOf(times, first, step, row), record, isNew);
      }
    }
    if (wants & wantsGreatest) {
      if (sizeof<T>() == 4) foldExtreme(values, from, end, times, first, step, record, isNew, false);
      else {
        const row = greatestRow<T>(values, from, end);
        keepGreatest<R>(<R>valueAt<T>(values, row), timeOf(times, first, step, row), record, isNew);
      }
    }
    if (wants & wantsFirst) keepFirst<R>(<R>valueAt<T>(values, from), timeOf(times, first, step, from), record, isNew);
    if (wants & wantsLast) keepLast<R>(<R>valueAt<T>(values, end - 1), timeOf(times, first, step, end - 1), record, isNew);
  }
}

// @ts-ignore: decorator
@inline
function placeOf<T>(values: usize, row: u32): usize {
  return values + (<usize>row << alignof<T>());
}

// @ts-ignore: decorator
@inline
function valueAt<T>(values: usize, row: u32): T {
  return load<T>(placeOf<T>(values, row));
}

// @ts-ignore: decorator
@inline
function recordOf(range: usize, table: usize): usize {
  return table + <usize>load<u32>(range) * recordBytes;
}

/** Floats of four windows take turns, since each addition has to wait for the one before it. */
// @ts-ignore: decorator
@inline
function foldSums<T>(ranges: usize, count: u32, values: usize, table: usize): void {
  let i: u32 = 0;
  if (isFloat<T>())
    for (; i + 4 <= count; i += 4) {
      foldFourSums(ranges, values, table);
      ranges += rangeBytes * 4;
    }
  for (; i < count; i++, ranges += rangeBytes) {
    const at = placeOf<T>(values, load<u32>(ranges, 4));
    const end = placeOf<T>(values, load<u32>(ranges, 8));
    const record = recordOf(ranges, table);
    if (sizeof<T>() == 4) store<i64>(record, sumHalves(load<i64>(record, 8), at, end), 8);
    else if (isFloat<T>()) store<f64>(record, sumFloats(load<f64>(record, 8), at, end), 8);
    else store<u64>(record, sumWords(load<u64>(record, 8), at, end), 8);
  }
}

function foldFourSums(ranges: usize, values: usize, table: usize): void {
  const second = ranges + rangeBytes;
  const third = second + rangeBytes;
  const fourth = third + rangeBytes;
  let a = values + (<usize>load<u32>(ranges, 4) << 3);
  let b = values + (<usize>load<u32>(second, 4) << 3);
  let c = values + (<usize>load<u32>(third, 4) << 3);
  let d = values + (<usize>load<u32>(fourth, 4) << 3);
  const aEnd = values + (<usize>load<u32>(ranges, 8) << 3);
  const bEnd = values + (<usize>load<u32>(second, 8) << 3);
  const cEnd = values + (<usize>load<u32>(third, 8) << 3);
  const dEnd = values + (<usize>load<u32>(fourth, 8) << 3);
  const records = recordOf(ranges, table);
  let sumA = load<f64>(records, 8);
  let sumB = load<f64>(recordOf(second, table), 8);
  let sumC = load<f64>(recordOf(third, table), 8);
  let sumD = load<f64>(recordOf(fourth, table), 8);
  const common = min(min(aEnd - a, bEnd - b), min(cEnd - c, dEnd - d));
  for (const stop = a + common; a < stop; a += 8, b += 8, c += 8, d += 8) {
    sumA += load<f64>(a);
    sumB += load<f64>(b);
    sumC += load<f64>(c);
    sumD += load<f64>(d);
  }
  store<f64>(records, sumFloats(sumA, a, aEnd), 8);
  store<f64>(recordOf(second, table), sumFloats(sumB, b, bEnd), 8);
  store<f64>(recordOf(third, table), sumFloats(sumC, c, cEnd), 8);
  store<f64>(recordOf(fourth, table), sumFloats(sumD, d, dEnd), 8);
}

// @ts-ignore: decorator
@inline
function sumFloats(sum: f64, at: usize, end: usize): f64 {
  for (; at < end; at += 8) sum += load<f64>(at);
  return sum;
}

/** Whole numbers wrap, in whatever order they are added. */
// @ts-ignore: decorator
@inline
function sumWords(sum: u64, at: usize, end: usize): u64 {
  let one = i64x2.splat(0);
  let two = i64x2.splat(0);
  for (; at + 32 <= end; at += 32) {
    one = i64x2.add(one, v128.load(at));
    two = i64x2.add(two, v128.load(at, 16));
  }
  one = i64x2.add(one, two);
  sum += <u64>i64x2.extract_lane(one, 0) + <u64>i64x2.extract_lane(one, 1);
  for (; at < end; at += 8) sum += load<u64>(at);
  return sum;
}

/** Of 4 bytes each. */
// @ts-ignore: decorator
@inline
function sumHalves(sum: i64, at: usize, end: usize): i64 {
  let one = i64x2.splat(0);
  let two = i64x2.splat(0);
  for (; at + 16 <= end; at += 16) {
    const four = v128.load(at);
    one = i64x2.add(one, i64x2.extend_low_i32x4_s(four));
    two = i64x2.add(two, i64x2.extend_high_i32x4_s(four));
  }
  one = i64x2.add(one, two);
  sum += i64x2.extract_lane(one, 0) + i64x2.extract_lane(one, 1);
  for (; at < end; at += 4) sum += load<i32>(at);
  return sum;
}

/** The earliest row of [from, end) with the least of their values. */
// @ts-ignore: decorator
@inline
function leastRow<T>(values: usize, from: u32, end: u32): u32 {
  let least = valueAt<T>(values, from);
  let row = from;
  for (let i = from + 1; i < end; i++) {
    const value = valueAt<T>(values, i);
    if (value < least) {
      least = value;
      row = i;
    }
  }
  return row;
}

// @ts-ignore: decorator
@inline
function greatestRow<T>(values: usize, from: u32, end: u32): u32 {
  let greatest = valueAt<T>(values, from);
  let row = from;
  for (let i = from + 1; i < end; i++) {
    const value = valueAt<T>(values, i);
    if (value > greatest) {
      greatest = value;
      row = i;
    }
  }
  return row;
}

/**
 * The least of values of 4 bytes, or the greatest, kept if it counts more than what is. Which row has it is looked for then alone:
 * of many series that share a window few have.
 */
// @ts-ignore: decorator
@inline
function foldExtreme(
  values: usize,
  from: u32,
  end: u32,
  times: usize,
  first: i64,
  step: i64,
  record: usize,
  isNew: bool,
  isLeast: bool,
): void {
  const value = extreme(values, from, end, isLeast);
  const kept = isLeast ? load<i64>(record, 16) : load<i64>(record, 32);
  if (!isNew && (isLeast ? kept < <i64>value : kept > <i64>value)) return;
  const time = timeOf(times, first, step, rowOf(value, values, from, end));
  if (isLeast) keepLeast<i64>(value, time, record, isNew);
  else keepGreatest<i64>(value, time, record, isNew);
}

/** So many rows are looked at by sixteen at once. */
const manyRows: u32 = 24;

// @ts-ignore: decorator
@inline
function extreme(values: usize, from: u32, end: u32, isLeast: bool): i32 {
  const rows = end - from;
  if (rows < 4) {
    let value = valueAt<i32>(values, from);
    for (let i = from + 1; i < end; i++) {
      const other = valueAt<i32>(values, i);
      value = select<i32>(other, value, isLeast ? other < value : other > value);
    }
    return value;
  }
  // The last four may be looked at twice.
  const last = placeOf<i32>(values, end - 4);
  let one = v128.load(last);
  let at = placeOf<i32>(values, from);
  if (rows >= manyRows) {
    let two = one;
    let three = one;
    let four = one;
    for (; at + 48 < last; at += 64) {
      one = more(one, v128.load(at), isLeast);
      two = more(two, v128.load(at, 16), isLeast);
      three = more(three, v128.load(at, 32), isLeast);
      four = more(four, v128.load(at, 48), isLeast);
    }
    one = more(more(one, two, isLeast), more(three, four, isLeast), isLeast);
  }
  for (; at < last; at += 16) one = more(one, v128.load(at), isLeast);
  one = more(one, i32x4.shuffle(one, one, 2, 3, 0, 1), isLeast);
  one = more(one, i32x4.shuffle(one, one, 1, 0, 3, 2), isLeast);
  return i32x4.extract_lane(one, 0);
}

// @ts-ignore: decorator
@inline
function more(one: v128, two: v128, isLeast: bool): v128 {
  return isLeast ? i32x4.min_s(one, two) : i32x4.max_s(one, two);
}

/** The first row with a value of 4 bytes, which one of them has. */
function rowOf(value: i32, values: usize, from: u32, end: u32): u32 {
  const wanted = i32x4.splat(value);
  let row = from;
  for (; row + 4 <= end; row += 4) {
    const found = i32x4.bitmask(i32x4.eq(v128.load(placeOf<i32>(values, row)), wanted));
    if (found != 0) return row + <u32>ctz(found);
  }
  while (row < end - 1 && valueAt<i32>(values, row) != value) row++;
  return row;
}

/** Of equal floats only zeros differ: the positive one counts, whichever was there first. Twin: query/equal-values.ts. */
// @ts-ignore: decorator
@inline
function isPlusZero<T>(value: T, kept: T): bool {
  if (!isFloat<T>()) return false;
  return reinterpret<i64>(<f64>value) > reinterpret<i64>(<f64>kept);
}

/** Of a point of the same value. */
// @ts-ignore: decorator
@inline
function precedes<T>(value: T, time: i64, kept: T, keptTime: i64): bool {
  return time < keptTime || (time == keptTime && isPlusZero<T>(value, kept));
}

/** Of a point of the same time. */
// @ts-ignore: decorator
@inline
function isAbove<T>(value: T, kept: T): bool {
  return value > kept || (value == kept && isPlusZero<T>(value, kept));
}

// @ts-ignore: decorator
@inline
function keepLeast<T>(least: T, time: i64, record: usize, isNew: bool): void {
  const kept = load<T>(record, 16);
  if (!isNew && (kept < least || (kept == least && !precedes<T>(least, time, kept, load<i64>(record, 24))))) return;
  store<T>(record, least, 16);
  store<i64>(record, time, 24);
}

// @ts-ignore: decorator
@inline
function keepGreatest<T>(greatest: T, time: i64, record: usize, isNew: bool): void {
  const kept = load<T>(record, 32);
  if (!isNew && (kept > greatest || (kept == greatest && !precedes<T>(greatest, time, kept, load<i64>(record, 40))))) return;
  store<T>(record, greatest, 32);
  store<i64>(record, time, 40);
}

// @ts-ignore: decorator
@inline
function keepFirst<T>(value: T, time: i64, record: usize, isNew: bool): void {
  const kept = load<i64>(record, 56);
  if (!isNew && (kept < time || (kept == time && !isAbove<T>(value, load<T>(record, 48))))) return;
  store<T>(record, value, 48);
  store<i64>(record, time, 56);
}

// @ts-ignore: decorator
@inline
function keepLast<T>(value: T, time: i64, record: usize, isNew: bool): void {
  const kept = load<i64>(record, 72);
  if (!isNew && (kept > time || (kept == time && !isAbove<T>(value, load<T>(record, 64))))) return;
  store<T>(record, value, 64);
  store<i64>(record, time, 72);
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
