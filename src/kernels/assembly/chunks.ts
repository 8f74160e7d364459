// The rows of one shape of a memtable: columns in chunks of 16,384 rows, found by a directory of u32 pointers, `stride` of
// them a column. Rows of a series are chained backwards. Twins: memtable-read.ts for the order of rows,
// memtable.fuzz.test.ts (both of storage/engine/memtable) for all of it.
//
// The heads of the chains are a table of slots of 16 bytes: u32 series + 1, u32 last row + 1, u32 rows, u32 first row.

const chunkShift: u32 = 14;
export const chunkMask: u32 = (1 << chunkShift) - 1;

// @ts-ignore: decorator
@inline
export function chunkOf(column: usize, row: u32): usize {
  return <usize>load<u32>(column + (<usize>(row >> chunkShift) << 2));
}

/**
 * Series of one body are mostly neighbours, and so are their slots: a block of as many series as there are slots lies in their order.
 * Where blocks overlap, the others are scattered, each step of them further, so that nobody walks along what is full.
 */
// @ts-ignore: decorator
@inline
function headOf(heads: usize, mask: u32, series: u32): usize {
  let slot = series + (series >> popcnt(mask)) * 0x9e3779b1;
  let scatter = series * 0x85ebca6b;
  while (true) {
    const head = heads + (<usize>(slot & mask) << 4);
    const found = load<u32>(head);
    if (found == 0 || found == series + 1) return head;
    // Once nothing is left to scatter, slots follow that come by all others.
    slot = slot * 5 + 1 + scatter;
    scatter >>= 5;
  }
}

/**
 * Links rows [row, row + count) to those of their series before them: `series` are numbers in the batch, `ids` says which
 * series of the shard they are. There is room in the heads for all. Answers how many series are new there.
 */
export function chainRows(
  heads: usize,
  mask: u32,
  series: usize,
  ids: usize,
  count: u32,
  row: u32,
  previous: usize,
): u32 {
  let fresh: u32 = 0;
  for (let i: u32 = 0; i < count; i++, row++) {
    const id = load<u32>(ids + (<usize>load<u32>(series + (<usize>i << 2)) << 2));
    const head = headOf(heads, mask, id);
    if (load<u32>(head) == 0) {
      store<u32>(head, id + 1);
      store<u64>(head, 0, 4);
      store<u32>(head, row, 12);
      fresh++;
    }
    store<u32>(chunkOf(previous, row) + (<usize>(row & chunkMask) << 2), load<u32>(head, 4));
    store<u32>(head, row + 1, 4);
    store<u32>(head, load<u32>(head, 8) + 1, 8);
  }
  return fresh;
}

/** Moves heads to a table that is empty. */
export function moveHeads(heads: usize, mask: u32, to: usize, toMask: u32): void {
  for (let slot: u32 = 0; slot <= mask; slot++) {
    const head = heads + (<usize>slot << 4);
    const found = load<u32>(head);
    if (found != 0) v128.store(headOf(to, toMask, found - 1), v128.load(head));
    if (slot == u32.MAX_VALUE) break;
  }
}

/** The series that have rows, in any order; answers how many. */
export function listHeads(heads: usize, mask: u32, out: usize): u32 {
  let count: u32 = 0;
  for (let slot: u32 = 0; slot <= mask; slot++) {
    const found = load<u32>(heads + (<usize>slot << 4));
    if (found == 0) continue;
    store<u32>(out + (<usize>count << 2), found - 1);
    count++;
  }
  return count;
}

/** How many rows a series has, those that came after any view included. */
export function rowsOfSeries(heads: usize, mask: u32, series: u32): u32 {
  const head = headOf(heads, mask, series);
  return load<u32>(head) == 0 ? 0 : load<u32>(head, 8);
}

/** The row of a series that arrived first; the greatest u32 when it has none. */
export function firstRow(heads: usize, mask: u32, series: u32): u32 {
  const head = headOf(heads, mask, series);
  return load<u32>(head) == 0 ? u32.MAX_VALUE : load<u32>(head, 12);
}

/**
 * The rows of a series below `rowsMax` in order of arrival, and their times; `rows` and `times` have room for
 * rowsOfSeries(). Answers how many there are.
 */
export function chainedRows(
  heads: usize,
  mask: u32,
  series: u32,
  rowsMax: u32,
  previous: usize,
  timesColumn: usize,
  rows: usize,
  times: usize,
): u32 {
  const room = rowsOfSeries(heads, mask, series);
  return chainedSince(heads, mask, series, 0, rowsMax, room, previous, timesColumn, rows, times);
}

/** The same for rows in [rowsMin, rowsMax); there is room for `room` rows, which are at least those from `rowsMin` on. */
export function chainedSince(
  heads: usize,
  mask: u32,
  series: u32,
  rowsMin: u32,
  rowsMax: u32,
  room: u32,
  previous: usize,
  timesColumn: usize,
  rows: usize,
  times: usize,
): u32 {
  const head = headOf(heads, mask, series);
  if (load<u32>(head) == 0) return 0;
  let next = load<u32>(head, 4);
  // Filled from the end, as the chain leads backwards.
  let to = room;
  while (next > rowsMin) {
    const row = next - 1;
    next = load<u32>(chunkOf(previous, row) + (<usize>(row & chunkMask) << 2));
    if (row >= rowsMax) continue;
    to--;
    store<u32>(rows + (<usize>to << 2), row);
    store<i64>(times + (<usize>to << 3), load<i64>(chunkOf(timesColumn, row) + (<usize>(row & chunkMask) << 3)));
  }
  const count = room - to;
  if (to != 0) {
    memory.copy(rows, rows + (<usize>to << 2), <usize>count << 2);
    memory.copy(times, times + (<usize>to << 3), <usize>count << 3);
  }
  return count;
}

/**
 * Whether `row` counts more than `other`, which has the same series and time. `order` is where batch-order.ts of
 * storage/engine keeps the batches that the rows came in, 24 bytes each: u32 how many, then of each i64 and u64 of its stamp
 * and u32 the sequence of its first row, ascending. Of one stamp the later arrival counts.
 */
export function isLaterRow(order: usize, sequences: usize, row: u32, other: u32): bool {
  const left = load<u32>(chunkOf(sequences, row) + (<usize>(row & chunkMask) << 2));
  const right = load<u32>(chunkOf(sequences, other) + (<usize>(other & chunkMask) << 2));
  const one = batchOf(order, left);
  const two = batchOf(order, right);
  if (load<i64>(one) != load<i64>(two)) return load<i64>(one) > load<i64>(two);
  if (load<u64>(one, 8) != load<u64>(two, 8)) return load<u64>(one, 8) > load<u64>(two, 8);
  return left > right;
}

const batchBytes: usize = 24;

/** The batch with the row that arrived at `sequence`. */
function batchOf(order: usize, sequence: u32): usize {
  let low: u32 = 0;
  let high = load<u32>(order);
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if (load<u32>(order + batchBytes * (<usize>middle + 1), 16) <= sequence) low = middle;
    else high = middle;
  }
  return order + batchBytes * (<usize>low + 1);
}

/**
 * The row of a series below `rowsMax` at one end of the bounds, + 1: the earliest or the latest, of one time the one that
 * counts: the last to arrive, or by `order` unless that is 0. 0 when there is none.
 */
export function endRow(
  heads: usize,
  mask: u32,
  series: u32,
  rowsMax: u32,
  previous: usize,
  timesColumn: usize,
  least: i64,
  greatest: i64,
  ascending: bool,
  sequences: usize,
  order: usize,
): u32 {
  const head = headOf(heads, mask, series);
  if (load<u32>(head) == 0) return 0;
  let best: u32 = 0;
  let bestTime: i64 = 0;
  for (let next = load<u32>(head, 4); next != 0; ) {
    const row = next - 1;
    next = load<u32>(chunkOf(previous, row) + (<usize>(row & chunkMask) << 2));
    if (row >= rowsMax) continue;
    const time = load<i64>(chunkOf(timesColumn, row) + (<usize>(row & chunkMask) << 3));
    if (time < least || time > greatest) continue;
    if (best != 0 && (ascending ? time > bestTime : time < bestTime)) continue;
    if (best != 0 && time == bestTime && (order == 0 || !isLaterRow(order, sequences, row, best - 1))) continue;
    best = row + 1;
    bestTime = time;
  }
  return best;
}

export function chunkWords(column: usize, rows: usize, count: u32, out: usize): void {
  for (let i: u32 = 0; i < count; i++) {
    const row = load<u32>(rows + (<usize>i << 2));
    store<u64>(out + (<usize>i << 3), load<u64>(chunkOf(column, row) + (<usize>(row & chunkMask) << 3)));
  }
}

/** The same for booleans: a byte each. */
export function chunkBytes(column: usize, rows: usize, count: u32, out: usize): void {
  for (let i: u32 = 0; i < count; i++) {
    const row = load<u32>(rows + (<usize>i << 2));
    store<u8>(out + i, load<u8>(chunkOf(column, row) + (row & chunkMask)));
  }
}

/** The same for the words that tell rows of several shapes apart. */
export function chunkSequences(column: usize, rows: usize, count: u32, out: usize): void {
  for (let i: u32 = 0; i < count; i++) {
    const row = load<u32>(rows + (<usize>i << 2));
    store<u32>(out + (<usize>i << 2), load<u32>(chunkOf(column, row) + (<usize>(row & chunkMask) << 2)));
  }
}

/** Bytes of the texts of rows; each is [pointer u32][length u32] in its column. */
export function chunkTextBytes(column: usize, rows: usize, count: u32): u32 {
  let sum: u32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const row = load<u32>(rows + (<usize>i << 2));
    sum += load<u32>(chunkOf(column, row) + (<usize>(row & chunkMask) << 3), 4);
  }
  return sum;
}

/** Offsets of the texts, one more than there are, and their bytes one behind the other. */
export function chunkTexts(column: usize, rows: usize, count: u32, offsets: usize, out: usize): void {
  let sum: u32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const row = load<u32>(rows + (<usize>i << 2));
    const text = chunkOf(column, row) + (<usize>(row & chunkMask) << 3);
    const length = load<u32>(text, 4);
    store<u32>(offsets + (<usize>i << 2), sum);
    memory.copy(out + sum, <usize>load<u32>(text), length);
    sum += length;
  }
  store<u32>(offsets + (<usize>count << 2), sum);
}

/** Texts [from, from + count) of a batch, whose bytes were copied to `base`, as pointers and lengths. */
export function placeTexts(offsets: usize, from: u32, count: u32, base: usize, out: usize): void {
  for (let i: u32 = 0; i < count; i++) {
    const start = load<u32>(offsets + (<usize>(from + i) << 2));
    const end = load<u32>(offsets + (<usize>(from + i) << 2), 4);
    store<u32>(out + (<usize>i << 3), <u32>base + start);
    store<u32>(out + (<usize>i << 3), end - start, 4);
  }
}

export function addToWords(words: usize, count: u32, value: u32): void {
  for (let i: u32 = 0; i < count; i++) {
    const at = words + (<usize>i << 2);
    store<u32>(at, load<u32>(at) + value);
  }
}
