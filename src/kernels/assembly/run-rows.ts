// Rows of many series of a memtable one behind the other, a series after the other: what a question over many series of few rows
// reads. Twin: inTime() of storage/engine/memtable/shape-table.ts, series by series.

import { chainedSince, rowsOfSeries } from './chunks';
import { isAscending, orderRows } from './rows';
import { firstNotBefore } from './windows';

/** Of a series that the table does not have. */
const absent: u32 = u32.MAX_VALUE;

/** Room that listRuns() needs to order the rows of a series of `rowsMax`. */
export function runWorkBytes(rowsMax: u32): u32 {
  return rowsMax * 16 + 16;
}

/**
 * Of the series at `ids` their rows below `rowsMax` within [least, greatest] in order of time, of one time the one that counts: how
 * many at `counts`, their times and numbers one behind the other at `times` and `rows`, which have room for `room`. Answers how many
 * series were listed: all, or those before one that has more than `seriesRowsMax` rows or for which there is no room.
 */
export function listRuns(
  heads: usize,
  mask: u32,
  ids: usize,
  count: u32,
  rowsMax: u32,
  previous: usize,
  timesColumn: usize,
  least: i64,
  greatest: i64,
  seriesRowsMax: u32,
  room: u32,
  counts: usize,
  times: usize,
  rows: usize,
  work: usize,
  sequences: usize,
  order: usize,
): u32 {
  const spareRows = work + (<usize>seriesRowsMax << 3);
  const runs = spareRows + (<usize>seriesRowsMax << 2);
  let used: u32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const id = load<u32>(ids + (<usize>i << 2));
    const total: u32 = id == absent ? 0 : rowsOfSeries(heads, mask, id);
    store<u32>(counts + (<usize>i << 2), 0);
    if (total == 0) continue;
    if (total > seriesRowsMax || used + total > room) return i;
    const ownTimes = times + (<usize>used << 3);
    const ownRows = rows + (<usize>used << 2);
    let found = chainedSince(heads, mask, id, 0, rowsMax, total, previous, timesColumn, ownRows, ownTimes);
    if (!isAscending(ownTimes, found))
      found = orderRows(ownTimes, ownRows, found, work, spareRows, runs, sequences, order);
    const from = firstNotBefore(ownTimes, 0, found, least);
    const end = greatest == i64.MAX_VALUE ? found : firstNotBefore(ownTimes, from, found, greatest + 1);
    const kept = end - from;
    if (from > 0 && kept > 0) {
      memory.copy(ownTimes, ownTimes + (<usize>from << 3), <usize>kept << 3);
      memory.copy(ownRows, ownRows + (<usize>from << 2), <usize>kept << 2);
    }
    store<u32>(counts + (<usize>i << 2), kept);
    used += kept;
  }
  return count;
}
