// The lines of a body, parted by shard and shape, as numbers only: values are gathered when a batch is written. Twin:
// routeLines of data/engine/lines/route-lines.ts with PointBatchBuilder.
//
// A place is a shard of one of the groups that the body may lie in, numbered from 0. A shape is a measurement with a field
// set.

import { copyFewBytes } from './bytes';
import { longestName } from './field-sets';
import { canonicalOf, clearStamps, hashOf, isUsual, keyPointer, measurementOf, placePlace, shapePlace, stampPlace } from './keys';

/** A line is unusual: the slow way has to route the body. */
const unusual: i32 = -1;
/** A line lies in none of the groups. */
const outside: i32 = -2;
/** There are more shapes than are known at once: reset, and parse again. */
const fullOfShapes: i32 = -3;

/** A series key and a field's name of so many bytes together are stored without a question. */
const pairBytesMax: u32 = 65_000;
const shapesMax: u32 = 16_384;
const shapeSlots: u32 = 32_768;

/** Per shape: [measurement u32][field set u32]. */
let shapes: usize = 0;
let shapeTable: usize = 0;
let shapeCount: u32 = 0;
/** Per shape, of the place at hand: the place's number in `shapeStamps`, its number there, its rows. */
let shapeStamps: usize = 0;
let shapeNumbers: usize = 0;
let stamp: u32 = 0;

/** Set by begin(), each with room for 4 bytes a line. */
let linePlaces: usize = 0;
let lineShapes: usize = 0;
let ordered: usize = 0;
let placeLines: usize = 0;
let placeOrdinals: usize = 0;
let placeSeries: usize = 0;
/** Canonical ids of the series of the place at hand. */
let series: usize = 0;

let seriesCount: u32 = 0;
let seriesBytes: u32 = 0;
let localCount: u32 = 0;
let placeMin: i64 = 0;
let placeMax: i64 = 0;

export function routeBytes(): u32 {
  return shapesMax * 16 + shapeSlots * 4;
}

export function initRoute(base: usize): void {
  shapes = base;
  shapeStamps = shapes + shapesMax * 8;
  shapeNumbers = shapeStamps + shapesMax * 4;
  shapeTable = shapeNumbers + shapesMax * 4;
  shapeCount = 0;
  stamp = 0;
}

/** With the keys, since stamps are kept there too. */
export function resetRoute(): void {
  memory.fill(shapeTable, 0, shapeSlots * 4);
  memory.fill(shapeStamps, 0, shapesMax * 4);
  shapeCount = 0;
  stamp = 0;
}

/** Bytes that begin() needs for so many lines. */
export function workBytes(lines: u32): usize {
  return <usize>lines * 28 + 64;
}

export function shapeTotal(): u32 {
  return shapeCount;
}
export function shapeMeasurement(shape: u32): usize {
  return keyPointer(load<u32>(shapes + (<usize>shape << 3)));
}
export function shapeFieldSet(shape: u32): u32 {
  return load<u32>(shapes + (<usize>shape << 3), 4);
}

function shapeOf(measurement: u32, fieldSet: u32): i32 {
  const both = <u64>measurement | (<u64>fieldSet << 32);
  let slot = <u32>((both * 0x9e3779b185ebca87) >> 40) & (shapeSlots - 1);
  while (true) {
    const found = load<u32>(shapeTable + (<usize>slot << 2));
    if (found == 0) break;
    if (load<u64>(shapes + (<usize>(found - 1) << 3)) == both) return found - 1;
    slot = (slot + 1) & (shapeSlots - 1);
  }
  if (shapeCount == shapesMax) return fullOfShapes;
  store<u64>(shapes + (<usize>shapeCount << 3), both);
  store<u32>(shapeTable + (<usize>slot << 2), ++shapeCount);
  return shapeCount - 1;
}

/** False for a key or fields that the twin has to look at. Of a pair that may be too long to be stored it tells, too. */
// @ts-ignore: decorator
@inline
export function isUsualPair(key: u32, fieldSet: u32): bool {
  const longest = longestName(fieldSet);
  return isUsual(key) && longest != 0 && load<u32>(keyPointer(key)) + longest <= pairBytesMax;
}

/**
 * Finds the place and the shape of each line. `groups` are {start i64, end i64, first place u32, places u32}, `placeRows`
 * gets the lines of each place, of `placeCount`. Answers 0 or why it did not.
 */
export function route(
  keyIds: usize,
  fieldSetIds: usize,
  times: usize,
  lines: u32,
  groups: usize,
  groupCount: u32,
  placeRows: usize,
  placeCount: u32,
  work: usize,
): i32 {
  const stride = <usize>lines << 2;
  linePlaces = work;
  lineShapes = linePlaces + stride;
  ordered = lineShapes + stride;
  placeLines = ordered + stride;
  placeOrdinals = placeLines + stride;
  placeSeries = placeOrdinals + stride;
  series = placeSeries + stride;
  memory.fill(placeRows, 0, <usize>placeCount << 2);
  let group = groups;
  let start: i64 = 1;
  let end: i64 = 0;
  let firstPlace: u32 = 0;
  let shards: u32 = 1;
  for (let line: u32 = 0; line < lines; line++) {
    const at = <usize>line << 2;
    const time = load<i64>(times + (<usize>line << 3));
    if (time < start || time >= end) {
      let number: u32 = 0;
      for (group = groups; number < groupCount; number++, group += 24) if (time >= load<i64>(group) && time < load<i64>(group, 8)) break;
      if (number == groupCount) return outside;
      start = load<i64>(group);
      end = load<i64>(group, 8);
      firstPlace = load<u32>(group, 16);
      shards = load<u32>(group, 20);
    }
    const key = load<u32>(keyIds + at);
    const fieldSet = load<u32>(fieldSetIds + at);
    if (!isUsualPair(key, fieldSet)) return unusual;
    const known = shapePlace(key);
    if (load<u32>(known) != fieldSet + 1) {
      const shape = shapeOf(measurementOf(key), fieldSet);
      if (shape < 0) return shape;
      store<u32>(known, fieldSet + 1);
      store<u32>(known, shape, 4);
    }
    const canonical = canonicalOf(key);
    store<u32>(keyIds + at, canonical);
    const place = shards == 1 ? firstPlace : firstPlace + <u32>(hashOf(canonical) % <u64>shards);
    store<u32>(linePlaces + at, place);
    store<u32>(lineShapes + at, load<u32>(known, 4));
    const rows = placeRows + (<usize>place << 2);
    store<u32>(rows, load<u32>(rows) + 1);
  }
  orderByPlace(lines, placeRows, placeCount);
  return 0;
}

/** Lines of one place lie one behind the other in `ordered`; `placeRows` then says where each place ends. */
function orderByPlace(lines: u32, placeRows: usize, placeCount: u32): void {
  let sum: u32 = 0;
  for (let place: u32 = 0; place < placeCount; place++) {
    const at = placeRows + (<usize>place << 2);
    const rows = load<u32>(at);
    store<u32>(at, sum);
    sum += rows;
  }
  for (let line: u32 = 0; line < lines; line++) {
    const at = placeRows + (<usize>load<u32>(linePlaces + (<usize>line << 2)) << 2);
    const to = load<u32>(at);
    store<u32>(ordered + (<usize>to << 2), line);
    store<u32>(at, to + 1);
  }
}

/**
 * Turns to the lines `ordered[first, first + count)`, those of one place: numbers its series and shapes, in the order in
 * which they first come, and lists its lines by shape. `heads` gets [shape u32][rows u32] for each and has room for as many
 * as there are shapes. Answers how many shapes the place has.
 */
export function collect(keyIds: usize, times: usize, first: u32, count: u32, heads: usize): u32 {
  if (++stamp == 0) {
    memory.fill(shapeStamps, 0, shapesMax * 4);
    clearStamps();
    stamp = 1;
  }
  seriesCount = 0;
  seriesBytes = 0;
  localCount = 0;
  placeMin = i64.MAX_VALUE;
  placeMax = i64.MIN_VALUE;
  const own = ordered + (<usize>first << 2);
  for (let i: u32 = 0; i < count; i++) {
    const line = <usize>load<u32>(own + (<usize>i << 2));
    const time = load<i64>(times + (line << 3));
    placeMin = min(placeMin, time);
    placeMax = max(placeMax, time);
    const shape = load<u32>(lineShapes + (line << 2));
    const known = shapeStamps + (<usize>shape << 2);
    const number = shapeNumbers + (<usize>shape << 2);
    if (load<u32>(known) != stamp) {
      store<u32>(known, stamp);
      store<u32>(number, localCount);
      store<u32>(heads + (<usize>localCount << 3), shape);
      store<u32>(heads + (<usize>localCount << 3), 0, 4);
      localCount++;
    }
    const rows = heads + (<usize>load<u32>(number) << 3);
    store<u32>(rows, load<u32>(rows, 4) + 1, 4);
  }
  fillLists(own, count, keyIds, heads);
  return localCount;
}

function fillLists(own: usize, count: u32, keyIds: usize, heads: usize): void {
  let sum: u32 = 0;
  for (let local: u32 = 0; local < localCount; local++) {
    const at = heads + (<usize>local << 3);
    const rows = load<u32>(at, 4);
    store<u32>(at, sum, 4);
    sum += rows;
  }
  for (let i: u32 = 0; i < count; i++) {
    const line = load<u32>(own + (<usize>i << 2));
    const shape = load<u32>(lineShapes + (<usize>line << 2));
    const at = heads + (<usize>load<u32>(shapeNumbers + (<usize>shape << 2)) << 3);
    const to = <usize>load<u32>(at, 4) << 2;
    store<u32>(at, load<u32>(at, 4) + 1, 4);
    store<u32>(placeLines + to, line);
    store<u32>(placeOrdinals + to, i);
    store<u32>(placeSeries + to, seriesPlace(load<u32>(keyIds + (<usize>line << 2))));
  }
  // Ends to counts.
  let start: u32 = 0;
  for (let local: u32 = 0; local < localCount; local++) {
    const at = heads + (<usize>local << 3);
    const end = load<u32>(at, 4);
    store<u32>(at, end - start, 4);
    start = end;
  }
}

function seriesPlace(key: u32): u32 {
  const known = stampPlace(key);
  if (load<u32>(known) == stamp) return load<u32>(placePlace(key));
  store<u32>(known, stamp);
  store<u32>(placePlace(key), seriesCount);
  store<u32>(series + (<usize>seriesCount << 2), key);
  seriesBytes += load<u32>(keyPointer(key));
  return seriesCount++;
}

export function collectedSeries(): u32 {
  return seriesCount;
}
export function collectedSeriesBytes(): u32 {
  return seriesBytes;
}
export function collectedMin(): i64 {
  return placeMin;
}
export function collectedMax(): i64 {
  return placeMax;
}
export function collectedLines(): usize {
  return placeLines;
}
export function collectedOrdinals(): usize {
  return placeOrdinals;
}
export function collectedSeriesPlaces(): usize {
  return placeSeries;
}

/** The canonical keys of the place's series: offsets, one more than there are, and their bytes. */
export function writeSeriesOffsets(out: usize): void {
  let sum: u32 = 0;
  store<u32>(out, 0);
  for (let i: u32 = 0; i < seriesCount; i++) {
    sum += load<u32>(keyPointer(load<u32>(series + (<usize>i << 2))));
    store<u32>(out + (<usize>(i + 1) << 2), sum);
  }
}

export function writeSeriesBytes(out: usize): void {
  for (let i: u32 = 0; i < seriesCount; i++) {
    const stored = keyPointer(load<u32>(series + (<usize>i << 2)));
    const length = load<u32>(stored);
    copyFewBytes(out, stored + 4, length);
    out += length;
  }
}
