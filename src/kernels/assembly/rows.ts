// Rows brought in order of time. Twin: memtable-read.ts of storage/engine.

import { isLaterRow } from './chunks';

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

/**
 * Orders rows and their times by time, those of one time by their place before, of which only the last is kept, or the
 * latest by `order` (see isLaterRow) unless that is 0. Rows come mostly in order, so that runs that ascend are found and
 * merged. `spareTimes` and `spareRows` have room for all, `runs` for 4 bytes a row and 4 more. Answers how many rows are
 * kept.
 */
export function orderRows(
  times: usize,
  rows: usize,
  count: u32,
  spareTimes: usize,
  spareRows: usize,
  runs: usize,
  sequences: usize,
  order: usize,
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
    let row = load<u32>(fromRows + (<usize>i << 2));
    while (i + 1 < count && load<i64>(fromTimes + (<usize>(i + 1) << 3)) == time) {
      i++;
      const next = load<u32>(fromRows + (<usize>i << 2));
      if (order == 0 || isLaterRow(order, sequences, next, row)) row = next;
    }
    store<i64>(times + (<usize>kept << 3), time);
    store<u32>(rows + (<usize>kept << 2), row);
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
