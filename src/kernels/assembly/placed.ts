// Rows of a memtable in order of their series, for a flush: each column is read once as it lies, and its values go to where their
// series has them. Along the chain of a series each row is a line of the cache of its own, for each column anew. Twin: the chains
// of chunks.ts, which flush.ts follows where rows are not placed.

import { chunkMask, chunkOf, firstRow, rowsOfSeries } from './chunks';
import { isAscending, orderRows } from './rows';
import { recordOf } from './table';

/** Of a measurement whose series may have rows in several tables, or in one that is flushed otherwise. */
const anyTable: u32 = u32.MAX_VALUE;

/** The number of the one table that the series of a measurement have their rows in, or anyTable: `tables` has it by measurement. */
// @ts-ignore: decorator
@inline
export function tableNumberOf(tables: usize, record: usize): u32 {
  return load<u32>(tables + (<usize>load<u32>(record, 4) << 2));
}

/**
 * Says where the rows of series `ids[from, end)` begin, at `starts`, `before` rows being those of series before them, and of the
 * first row of each where it goes, at `places`; at `counts` how many rows each has. Series that have their rows in tables of other
 * numbers only have none. Answers how many rows there are with them.
 */
export function placeSeries(
  series: usize,
  tables: usize,
  table: u32,
  heads: usize,
  mask: u32,
  ids: usize,
  from: u32,
  end: u32,
  before: u32,
  starts: usize,
  counts: usize,
  places: usize,
): u32 {
  let sum = before;
  for (let number = from; number < end; number++) {
    store<u32>(starts + (<usize>number << 2), sum);
    const id = load<u32>(ids + (<usize>number << 2));
    const own = tableNumberOf(tables, recordOf(series, id));
    const rows = own == table || own == anyTable ? rowsOfSeries(heads, mask, id) : 0;
    store<u32>(counts + (<usize>number << 2), rows);
    if (rows == 0) continue;
    store<u32>(places + (<usize>firstRow(heads, mask, id) << 2), sum);
    sum += rows;
  }
  return sum;
}

/** Says of rows [from, end) where they go: behind the one before them of their series. */
export function placeRows(previous: usize, from: u32, end: u32, places: usize): void {
  for (let row = from; row < end; row++) {
    const before = load<u32>(chunkOf(previous, row) + (<usize>(row & chunkMask) << 2));
    if (before == 0) continue;
    store<u32>(places + (<usize>row << 2), load<u32>(places + (<usize>(before - 1) << 2)) + 1);
  }
}

/** Writes values of 8 bytes of rows [from, end) to where they go. */
export function placeWords(column: usize, from: u32, end: u32, places: usize, out: usize): void {
  for (let row = from; row < end; ) {
    let at = chunkOf(column, row) + (<usize>(row & chunkMask) << 3);
    const chunkEnd = min(end, (row | chunkMask) + 1);
    for (; row < chunkEnd; row++, at += 8)
      store<u64>(out + (<usize>load<u32>(places + (<usize>row << 2)) << 3), load<u64>(at));
  }
}

/** The same for booleans: a byte each. */
export function placeBytes(column: usize, from: u32, end: u32, places: usize, out: usize): void {
  for (let row = from; row < end; row++)
    store<u8>(out + load<u32>(places + (<usize>row << 2)), load<u8>(chunkOf(column, row) + (row & chunkMask)));
}

/** Whether the placed times of each of series `[from, end)` ascend. */
export function arePlacedInTime(starts: usize, counts: usize, from: u32, end: u32, times: usize): bool {
  for (let number = from; number < end; number++) {
    const at = <usize>number << 2;
    if (!isAscending(times + (<usize>load<u32>(starts + at) << 3), load<u32>(counts + at))) return false;
  }
  return true;
}

/** Says of each place which of rows [from, end) goes there. */
export function listPlaced(places: usize, from: u32, end: u32, rows: usize): void {
  for (let row = from; row < end; row++) store<u32>(rows + (<usize>load<u32>(places + (<usize>row << 2)) << 2), row);
}

/**
 * Brings the rows of series `[from, end)` in order of time: of equal times the one that counts only (orderRows), so that `counts`
 * may get less. `times` and `rows` are those of each place, `places` those of each row; rows that do not count go to the last place
 * of their series, where nobody looks. Series of more than `rowsMax` rows are left as they are; `work` has room to order one.
 * Answers where it has stopped, which is once `enough` rows were ordered.
 */
export function orderPlaced(
  starts: usize,
  counts: usize,
  from: u32,
  end: u32,
  rowsMax: u32,
  enough: u32,
  times: usize,
  rows: usize,
  places: usize,
  work: usize,
  sequences: usize,
  order: usize,
): u32 {
  const spareRows = work + (<usize>rowsMax << 3);
  const runs = spareRows + (<usize>rowsMax << 2);
  let ordered: u32 = 0;
  let number = from;
  for (; number < end && ordered < enough; number++) {
    const start = load<u32>(starts + (<usize>number << 2));
    const count = load<u32>(counts + (<usize>number << 2));
    const ownTimes = times + (<usize>start << 3);
    if (count > rowsMax || isAscending(ownTimes, count)) continue;
    const ownRows = rows + (<usize>start << 2);
    for (let i: u32 = 0; i < count; i++)
      store<u32>(places + (<usize>load<u32>(ownRows + (<usize>i << 2)) << 2), start + count - 1);
    const kept = orderRows(ownTimes, ownRows, count, work, spareRows, runs, sequences, order);
    for (let i: u32 = 0; i < kept; i++)
      store<u32>(places + (<usize>load<u32>(ownRows + (<usize>i << 2)) << 2), start + i);
    store<u32>(counts + (<usize>number << 2), kept);
    ordered += count;
  }
  return number;
}
