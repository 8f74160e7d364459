// The series of a memtable's table to the bytes of a TSM file: blocks behind their CRCs, and their entries of the index.
// Twin: storage/engine/flush/flush.ts with TsmWriter, which also takes what is left here: texts, series of several shapes, keys
// that are written otherwise in files.

import { chainedRows, chunkBytes, chunkWords, rowsOfSeries } from './chunks';
import { crcOf } from './crc';
import { encodeBlock, encodeTimes } from './encode';
import { tableNumberOf } from './placed';
import { isAscending, orderRows } from './rows';
import { keyBytes, keyLength, recordOf } from './table';

const rowsPerBlock: u32 = 1_000;
/** A value takes no more than 77 bits and a time no more than 64, and words are written whole. */
const bytesPerRowMax: u32 = 18;
const bytesPerBlockMax: u32 = rowsPerBlock * bytesPerRowMax + 64;
const entryBytes: u32 = 28;
const separatorBytes: u32 = 4;
const keyBytesMax: u32 = 65_535;
const typeBoolean: u32 = 2;

/** Columns are {directory u32, type u32, name u32, name length u32, placed values u32}, in order of their names. */
const columnBytes: u32 = 20;

let blocksEnd: usize = 0;
let indexEnd: usize = 0;

/** Where flushSeries() has stopped writing. */
export function flushedBlocks(): usize {
  return blocksEnd;
}
export function flushedIndex(): usize {
  return indexEnd;
}

/** Bytes of work that series of so many rows need. */
export function flushWorkBytes(rows: u32): usize {
  return <usize>rows * 60 + 64 * <usize>(rows / rowsPerBlock + 2) + rowsPerBlock * 8 + bytesPerBlockMax + 256;
}

/**
 * Writes the series `ids[from, count)` as long as they have all rows in the table with that number (tableNumberOf), at most
 * `rowsMax`, keys that fit, and there is room for all of their blocks and entries. `offset` is where the blocks will be in the file. Unless `starts` is 0, it
 * says by number where the rows of a series begin among `placedTimes` and placed values, and `counts` how many they are
 * (placed.ts). Answers the number of the series it stopped at.
 */
export function flushSeries(
  series: usize,
  tables: usize,
  table: u32,
  heads: usize,
  mask: u32,
  previous: usize,
  times: usize,
  sequences: usize,
  order: usize,
  columns: usize,
  columnCount: u32,
  ids: usize,
  from: u32,
  count: u32,
  rowsMax: u32,
  work: usize,
  offset: u64,
  blocks: usize,
  blocksTop: usize,
  index: usize,
  indexTop: usize,
  starts: usize,
  counts: usize,
  placedTimes: usize,
): u32 {
  let longestName: u32 = 0;
  for (let i: u32 = 0; i < columnCount; i++) longestName = max(longestName, load<u32>(columns + i * columnBytes, 12));
  blocksEnd = blocks;
  indexEnd = index;
  let number = from;
  for (; number < count; number++) {
    const id = load<u32>(ids + (<usize>number << 2));
    const record = recordOf(series, id);
    if (tableNumberOf(tables, record) != table) break;
    isPlaced = starts != 0;
    const rows = isPlaced ? load<u32>(counts + (<usize>number << 2)) : rowsOfSeries(heads, mask, id);
    const keyLengthMax = keyLength(record) + separatorBytes + longestName;
    const blockCount = (rows + rowsPerBlock - 1) / rowsPerBlock;
    if (rows == 0 || rows > rowsMax || keyLengthMax > keyBytesMax) break;
    const blocksNeeded = <usize>columnCount * (<usize>rows * bytesPerRowMax + blockCount * 72);
    const indexNeeded = <usize>columnCount * (keyLengthMax + 5 + blockCount * entryBytes);
    if (blocksEnd + blocksNeeded > blocksTop || indexEnd + indexNeeded > indexTop) break;
    layOut(work, rows);
    let listed = rows;
    if (isPlaced) {
      firstPlaced = <usize>load<u32>(starts + (<usize>number << 2));
      orderedTimes = placedTimes + (firstPlaced << 3);
    } else listed = orderChain(heads, mask, id, previous, times, sequences, order);
    encodeAllTimes(listed);
    for (let i: u32 = 0; i < columnCount; i++) writeColumn(record, columns + i * columnBytes, listed, offset - blocks);
  }
  return number;
}

/** Of the series at hand. */
let orderedRows: usize = 0;
let encodedTimes: usize = 0;
let orderedTimes: usize = 0;
let valuesRoom: usize = 0;
let spareTimes: usize = 0;
let spareRows: usize = 0;
let runs: usize = 0;
let scratch: usize = 0;
/** Whether its values are placed, in order of time, and where its first one is among those of all series. */
let isPlaced: bool = false;
let firstPlaced: usize = 0;

function layOut(work: usize, rows: u32): void {
  const wide = <usize>rows << 3;
  orderedTimes = work;
  valuesRoom = orderedTimes + wide;
  spareTimes = valuesRoom + wide;
  encodedTimes = spareTimes + wide;
  orderedRows = encodedTimes + wide + 64 * (<usize>(rows / rowsPerBlock) + 1);
  spareRows = orderedRows + wide;
  runs = spareRows + wide;
  scratch = runs + wide + 16;
}

/** Brings the rows of a series in order; answers how many are left. */
function orderChain(
  heads: usize,
  mask: u32,
  id: u32,
  previous: usize,
  times: usize,
  sequences: usize,
  order: usize,
): u32 {
  const count = chainedRows(heads, mask, id, u32.MAX_VALUE, previous, times, orderedRows, orderedTimes);
  if (isAscending(orderedTimes, count)) return count;
  return orderRows(orderedTimes, orderedRows, count, spareTimes, spareRows, runs, sequences, order);
}

/** Encodes the times, once for all columns. */
function encodeAllTimes(count: u32): void {
  // Lengths of the encoded times go where rows were ordered.
  let out = encodedTimes;
  for (let start: u32 = 0; start < count; start += rowsPerBlock) {
    const length = encodeTimes(orderedTimes + (<usize>start << 3), min(rowsPerBlock, count - start), scratch, out);
    store<u32>(spareTimes + ((start / rowsPerBlock) << 2), length);
    out += length;
  }
  timeLengths = spareTimes;
}

let timeLengths: usize = 0;

function writeColumn(record: usize, column: usize, count: u32, shift: u64): void {
  const directory = <usize>load<u32>(column);
  const type = load<u32>(column, 4);
  const width: usize = type == typeBoolean ? 1 : 8;
  let values = valuesRoom;
  if (isPlaced) values = <usize>load<u32>(column, 16) + firstPlaced * width;
  else if (width == 1) chunkBytes(directory, orderedRows, count, valuesRoom);
  else chunkWords(directory, orderedRows, count, valuesRoom);
  writeKey(record, column, type, (count + rowsPerBlock - 1) / rowsPerBlock);
  let times = encodedTimes;
  let number: u32 = 0;
  for (let start: u32 = 0; start < count; start += rowsPerBlock, number++) {
    const rows = min(rowsPerBlock, count - start);
    const timesLength = load<u32>(timeLengths + (number << 2));
    const length = encodeBlock(type, times, timesLength, values + <usize>start * width, rows, scratch, blocksEnd + 4);
    store<u32>(blocksEnd, bswap<u32>(crcOf(blocksEnd + 4, length)));
    store<u64>(indexEnd, bswap<u64>(load<u64>(orderedTimes + (<usize>start << 3))));
    store<u64>(indexEnd, bswap<u64>(load<u64>(orderedTimes + (<usize>(start + rows - 1) << 3))), 8);
    store<u64>(indexEnd, bswap<u64>(<u64>blocksEnd + shift), 16);
    store<u32>(indexEnd, bswap<u32>(length + 4), 24);
    indexEnd += entryBytes;
    blocksEnd += length + 4;
    times += timesLength;
  }
}

function writeKey(record: usize, column: usize, type: u32, blockCount: u32): void {
  const own = keyLength(record);
  const name = load<u32>(column, 12);
  const length = own + separatorBytes + name;
  store<u16>(indexEnd, bswap<u16>(<u16>length));
  memory.copy(indexEnd + 2, keyBytes(record), own);
  store<u32>(indexEnd + 2 + own, 0x237e2123); // #!~#
  memory.copy(indexEnd + 2 + own + separatorBytes, <usize>load<u32>(column, 8), name);
  const tail = indexEnd + 2 + length;
  store<u8>(tail, <u8>type);
  store<u16>(tail + 1, bswap<u16>(<u16>blockCount));
  indexEnd = tail + 3;
}
