// Rows of a memtable in order of their series, for a flush: each column is read once as it lies, and its values go to where their
// series has them. Along the chain of a series each row is a line of the cache of its own, for each column anew. Twin: the chains
// of chunks.ts, which flush.ts follows where rows are not placed.

import { chunkMask, chunkOf, firstRow, rowsOfSeries } from './chunks';
import { isAscending } from './rows';
import { recordOf } from './table';

/**
 * Says where the rows of series `ids[from, end)` begin, at `starts`, `before` rows being those of series before them, and of the
 * first row of each where it goes, at `places`. Series of other measurements have none. Answers how many rows there are with them.
 */
export function placeSeries(
  series: usize,
  measurement: u32,
  heads: usize,
  mask: u32,
  ids: usize,
  from: u32,
  end: u32,
  before: u32,
  starts: usize,
  places: usize,
): u32 {
  let sum = before;
  for (let number = from; number < end; number++) {
    store<u32>(starts + (<usize>number << 2), sum);
    const id = load<u32>(ids + (<usize>number << 2));
    if (load<u32>(recordOf(series, id), 4) != measurement) continue;
    const rows = rowsOfSeries(heads, mask, id);
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

/** How many rows are of the series `[from, end)` whose times do not ascend; `starts` has one more. */
export function unorderedRows(starts: usize, from: u32, end: u32, times: usize): u32 {
  let sum: u32 = 0;
  for (let number = from; number < end; number++) {
    const start = load<u32>(starts + (<usize>number << 2));
    const rows = load<u32>(starts + (<usize>number << 2), 4) - start;
    if (rows > 1 && !isAscending(times + (<usize>start << 3), rows)) sum += rows;
  }
  return sum;
}
