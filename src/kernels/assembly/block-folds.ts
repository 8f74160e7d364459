// Blocks of TSM files added to tables of windows where they lie, many in one call: the values of a block are decoded to room
// that stays in the processor's cache. Times that are a run, as nearly all are, are not decoded: which rows lie in which
// window is arithmetic. Blocks one behind the other that have the same times share what was found out about them.

import { blockRows, corrupt, decodeNarrow, decodeTimes, decodeValues, firstTime, stepOfTimes, timesEndOfBlock, timesOfBlock } from './blocks';
import { firstNotBefore, foldRows, windowRows } from './windows';

const recordBytes: usize = 16;
const columnBytes: usize = 16;
const rangeBytes: usize = 12;
/** Behind the values of a block of few rows. */
const spareBytes: usize = 32;
/** Of rows that lie in no window. */
const outside: i32 = -1;
const strays: i32 = -3;
/** In place of a list of times. */
const noList: usize = 0;

// As files number types, and as window-table.ts does.
const blockInteger: u32 = 1;
const blockUnsigned: u32 = 4;
const columnUnsigned: u32 = 2;

/**
 * Adds the rows within [least, greatest] of `count` blocks, 16 bytes each: u32 where it lies, its length, the place of its column
 * among `columns`, which are those of foldColumns() without their values, and 0. In place of a block may be rows as they are, of
 * numbers, all of them within the bounds and ascending in time: where their times lie, how many, the column, where their values
 * lie. What is of one series and column ascends in time. `work` is
 * foldWorkBytes() for `rowsMax`. Answers how many blocks were added: all, or those before one of more rows; `corrupt` when one does
 * not add up, `strays` when it has times in none of the windows. How many rows were added is u32 at `out`.
 */
export function foldBlocks(
  blocks: usize,
  count: u32,
  columns: usize,
  windows: u32,
  start: i64,
  interval: i64,
  least: i64,
  greatest: i64,
  work: usize,
  rowsMax: u32,
  out: usize,
): i32 {
  const timesList = work;
  const values = timesList + (<usize>rowsMax << 3);
  const ranges = values + (<usize>rowsMax << 3) + spareBytes;
  let lastTimes: usize = 0;
  let lastLength: usize = 0;
  let from: u32 = 0;
  let end: u32 = 0;
  let found: i32 = 0;
  let list: usize = noList;
  let step: i64 = 0;
  let added: u32 = 0;
  store<u32>(out, 0);
  for (let i: u32 = 0; i < count; i++, blocks += recordBytes) {
    const block = <usize>load<u32>(blocks);
    const length = load<u32>(blocks, 4);
    const column = columns + <usize>load<u32>(blocks, 8) * columnBytes;
    const rowValues = <usize>load<u32>(blocks, 12);
    if (rowValues != 0) {
      if (length > rowsMax) return corrupt;
      lastLength = 0;
      found = windowRows(block, 0, length, windows, start, interval, ranges);
      if (found < 0) return strays;
      foldRows(column, rowValues, false, ranges, found, block, 0, 0);
      added += length;
      continue;
    }
    const rows = blockRows(block, length);
    const type = <u32>load<u8>(block);
    if (rows <= 0 || columnTypeOf(type) != load<u32>(column)) return corrupt;
    if (<u32>rows > rowsMax) {
      store<u32>(out, added);
      return <i32>i;
    }
    const times = timesOfBlock(block, length);
    const timesEnd = timesEndOfBlock(block, times);
    const timesLength = timesEnd - times;
    if (lastLength != timesLength || memory.compare(lastTimes, times, timesLength) != 0) {
      lastLength = 0;
      step = stepOfTimes(times, timesEnd, rows);
      if (step != 0) {
        list = noList;
        from = runFrom(firstTime(times), step, rows, least);
        end = runEnd(firstTime(times), step, rows, greatest);
        found = from >= end ? 0 : runRanges(firstTime(times), step, from, end, windows, start, interval, ranges);
      } else {
        list = timesList;
        if (decodeTimes(times, timesEnd, rows, list) != 0) return corrupt;
        from = firstNotBefore(list, 0, rows, least);
        end = greatest == i64.MAX_VALUE ? rows : firstNotBefore(list, from, rows, greatest + 1);
        found = windowRows(list, from, end, windows, start, interval, ranges);
      }
      if (found < 0) return strays;
      lastTimes = times;
      lastLength = timesLength;
    }
    if (found == 0) continue;
    // Rows that are counted alone need no values.
    const isCounted = load<u32>(column, 4) == 0;
    const isNarrow = !isCounted && decodeNarrow(type, timesEnd, block + length, rows, values);
    if (!isCounted && !isNarrow && decodeValues(type, timesEnd, block + length, rows, values) != 0) return corrupt;
    foldRows(column, values, isNarrow, ranges, found, list, firstTime(times), step);
    added += end - from;
  }
  store<u32>(out, added);
  return <i32>count;
}

/** Room for `rows` rows of a block, in as many windows. */
export function foldWorkBytes(rows: u32, windows: u32): u32 {
  return rows * 16 + <u32>spareBytes + min(rows, windows) * <u32>rangeBytes;
}

/** Of booleans and texts none. */
// @ts-ignore: decorator
@inline
function columnTypeOf(type: u32): u32 {
  return type <= blockInteger ? type : type == blockUnsigned ? columnUnsigned : u32.MAX_VALUE;
}

/** The first row of a run that is not before `least`. */
function runFrom(first: i64, step: i64, rows: u32, least: i64): u32 {
  if (first >= least) return 0;
  const row = (<u64>(least - first) - 1) / <u64>step + 1;
  return row < <u64>rows ? <u32>row : rows;
}

/** The row behind the last one that is not after `greatest`. */
function runEnd(first: i64, step: i64, rows: u32, greatest: i64): u32 {
  if (first > greatest) return 0;
  const row = <u64>(greatest - first) / <u64>step + 1;
  return row < <u64>rows ? <u32>row : rows;
}

/** windowRows() of rows [from, end) of a run. */
function runRanges(
  first: i64,
  step: i64,
  from: u32,
  end: u32,
  windows: u32,
  start: i64,
  interval: i64,
  out: usize,
): i32 {
  const rowsWhole = interval / step;
  const isEven = rowsWhole * step == interval;
  let number: i64 = 0;
  let found: i32 = 0;
  for (let row = from; row < end; found++, out += rangeBytes) {
    let next: u64;
    // Where windows are of as many rows each, the first says where all others begin.
    if (found > 0 && isEven) {
      number++;
      next = <u64>row + <u64>rowsWhole;
    } else {
      const since = first + step * <i64>row - start;
      if (since < 0) return outside;
      number = since / interval;
      next = <u64>row + <u64>((number + 1) * interval - since - 1) / <u64>step + 1;
    }
    if (<u64>number >= <u64>windows) return outside;
    const stop = next < <u64>end ? <u32>next : end;
    store<u32>(out, <u32>number);
    store<u32>(out, row, 4);
    store<u32>(out, stop, 8);
    row = stop;
  }
  return found;
}
