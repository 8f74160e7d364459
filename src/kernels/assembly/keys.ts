// The dictionary of a parser of lines: raw key bytes (measurement and tags as written) to a dense id, and per id what is to
// be known of the key: the id of its canonical spelling, that of its measurement, the hash that chooses its shard. It lives
// from body to body and is a cache: when it is full all of it is forgotten.
//
// Canonical keys and names of measurements are entries of the same table. Which role an id has in a place is clear from the
// place: as a raw key it has the numbers below, as a canonical one its bytes count.

import { fnvBytes, hashBytes, isEqual, isUtf8 } from './bytes';

const slotBytes: u32 = 8;
const keySlots: u32 = 1 << 20;
export const keysMax: u32 = 700_000;
const heapBytes: u32 = 96 << 20;
/** Tags that are sorted here at the most. */
const tagsMax: u32 = 256;
/** The reference's, as the twin has it. */
const keyBytesMax: u32 = 65_535;

/** States of a raw key. */
const fresh: u8 = 0;
const usual: u8 = 1;
/** Has escapes or bytes that are no UTF-8: the twin reads it, once. */
const left: u8 = 2;
/** No key that a point may have, or one that the slow way has to word an error of. */
const bad: u8 = 3;

let table: usize = 0;
let heap: usize = 0;
let heapTop: usize = 0;
let heapEnd: usize = 0;
let keyCount: u32 = 0;
let leftCount: u32 = 0;
/** Per id: pointer to [length u32][bytes]. */
let pointers: usize = 0;
let canonicals: usize = 0;
let measurements: usize = 0;
let hashes: usize = 0;
let states: usize = 0;
/** Ids of keys that are left to the twin, in order. */
let lefts: usize = 0;
/** Per raw key: field set of its previous line. */
let fieldSets: usize = 0;
/** Per raw key: the key of the line that came behind its own, + 1: clients mostly send their series in the same order. */
let followers: usize = 0;
/** Where the follower of the line before is; before the first line, behind those of all keys. */
let followerPlace: usize = 0;
/** Per raw key: field set of a line that it had, + 1, and that line's shape. */
let keyShapes: usize = 0;
/** Per canonical key: the count of lists it was last in, and its place there. */
let stamps: usize = 0;
let places: usize = 0;
let tagScratch: usize = 0;

export function keyDictionaryBytes(): u32 {
  return keySlots * slotBytes + keysMax * 52 + 8 + tagsMax * 8 + heapBytes + 64;
}

export function initKeys(base: usize): void {
  hashes = base;
  keyShapes = hashes + keysMax * 8;
  table = keyShapes + keysMax * 8;
  pointers = table + keySlots * slotBytes;
  canonicals = pointers + keysMax * 4;
  measurements = canonicals + keysMax * 4;
  fieldSets = measurements + keysMax * 4;
  stamps = fieldSets + keysMax * 4;
  places = stamps + keysMax * 4;
  lefts = places + keysMax * 4;
  followers = lefts + keysMax * 4;
  tagScratch = followers + keysMax * 4 + 8;
  states = tagScratch + tagsMax * 8;
  heap = (states + keysMax + 15) & ~15;
  heapEnd = heap + heapBytes;
  forget();
}

/** Stamps begin anew. */
export function clearStamps(): void {
  memory.fill(stamps, 0, keyCount << 2);
}

/** Fresh memory is zero: only what was in use is cleared, so that an idle dictionary costs no memory. */
export function resetKeys(): void {
  memory.fill(table, 0, keySlots * slotBytes);
  clearStamps();
  forget();
}

function forget(): void {
  heapTop = heap;
  keyCount = 0;
  leftCount = 0;
  followerPlace = followers + keysMax * 4;
  store<u32>(followerPlace, 0);
}

export function keys(): u32 {
  return keyCount;
}

/** How many keys were left to the twin so far. */
export function leftKeys(): u32 {
  return leftCount;
}

export function leftKey(number: u32): u32 {
  return load<u32>(lefts + (<usize>number << 2));
}

// @ts-ignore: decorator
@inline
export function keyPointer(id: u32): usize {
  return <usize>load<u32>(pointers + (<usize>id << 2));
}

// @ts-ignore: decorator
@inline
export function canonicalOf(id: u32): u32 {
  return load<u32>(canonicals + (<usize>id << 2));
}

// @ts-ignore: decorator
@inline
export function measurementOf(id: u32): u32 {
  return load<u32>(measurements + (<usize>id << 2));
}

// @ts-ignore: decorator
@inline
export function isUsual(id: u32): bool {
  return load<u8>(states + id) == usual;
}

// @ts-ignore: decorator
@inline
export function hashOf(id: u32): u64 {
  return load<u64>(hashes + (<usize>id << 3));
}

// @ts-ignore: decorator
@inline
export function fieldSetPlace(id: u32): usize {
  return fieldSets + (<usize>id << 2);
}

// @ts-ignore: decorator
@inline
export function shapePlace(id: u32): usize {
  return keyShapes + (<usize>id << 3);
}

// @ts-ignore: decorator
@inline
export function stampPlace(id: u32): usize {
  return stamps + (<usize>id << 2);
}

// @ts-ignore: decorator
@inline
export function placePlace(id: u32): usize {
  return places + (<usize>id << 2);
}

/** Room in the heap; 0 when it is full. */
export function allocateInHeap(lengthBytes: u32): usize {
  if (heapTop + lengthBytes > heapEnd) return 0;
  const at = heapTop;
  heapTop = (heapTop + lengthBytes + 7) & ~7;
  return at;
}

/** Where up to `lengthBytes` may be written for internKey() to read; 0 when the heap is full. */
export function keyRoom(lengthBytes: u32): usize {
  // A key that turns out to be new is stored at the top, before its bytes here are needed no more.
  const at = heapTop + lengthBytes + 64;
  return at + lengthBytes + 64 > heapEnd ? 0 : at;
}

/** Id of these bytes, given now when they are new; -1 when the dictionary is full. Not learned. */
export function internKey(ptr: usize, length: u32): i32 {
  const hash = hashBytes(ptr, length);
  const tag = <u32>(hash >> 32);
  let slot = <u32>hash & (keySlots - 1);
  while (true) {
    const entry = table + slot * slotBytes;
    const found = load<u32>(entry, 4);
    if (found == 0) {
      if (keyCount >= keysMax || heapTop + length + 32 > heapEnd) return -1;
      const stored = heapTop;
      heapTop = (heapTop + 4 + length + 7) & ~7;
      memory.copy(stored + 4, ptr, length);
      store<u32>(stored, length);
      const id = keyCount++;
      store<u32>(entry, tag);
      store<u32>(entry, id + 1, 4);
      store<u32>(pointers + (<usize>id << 2), <u32>stored);
      store<i32>(fieldSetPlace(id), -1);
      store<u32>(followers + (<usize>id << 2), 0);
      store<u64>(shapePlace(id), 0);
      store<u64>(hashes + (<usize>id << 3), fnvBytes(stored + 4, length));
      store<u8>(states + id, fresh);
      return id;
    }
    if (load<u32>(entry) == tag) {
      const stored = keyPointer(found - 1);
      if (load<u32>(stored) == length && isEqual(stored + 4, ptr, length)) return found - 1;
    }
    slot = (slot + 1) & (keySlots - 1);
  }
}

/** Id of a raw key, which is learned when it is new; -1 when the dictionary is full. */
// @ts-ignore: decorator
@inline
export function keyOf(ptr: usize, length: u32): i32 {
  const id = internKey(ptr, length);
  if (id < 0 || load<u8>(states + id) != fresh) return id;
  return learn(id) ? id : -1;
}

/** The key that the line at `ptr` is likely to have, + 1, when it has it: found without a look for its end. 0 otherwise. */
// @ts-ignore: decorator
@inline
export function expectedKey(ptr: usize, end: usize): u32 {
  const guess = load<u32>(followerPlace);
  if (guess == 0) return 0;
  const stored = keyPointer(guess - 1);
  const length = load<u32>(stored);
  const isWhole = ptr + length < end && load<u8>(ptr + length) == 32;
  return isWhole && isEqual(stored + 4, ptr, length) ? guess : 0;
}

/** Takes note that the line at hand has this raw key. */
// @ts-ignore: decorator
@inline
export function keyFollows(id: u32): void {
  store<u32>(followerPlace, id + 1);
  followerPlace = followers + (<usize>id << 2);
}

/** What the twin has found of a key that was left to it. */
export function setKey(id: u32, canonical: u32, measurement: u32): void {
  store<u32>(canonicals + (<usize>id << 2), canonical);
  store<u32>(measurements + (<usize>id << 2), measurement);
  store<u8>(states + id, usual);
}

/** False when the dictionary is full. */
function learn(id: u32): bool {
  const stored = keyPointer(id);
  const length = load<u32>(stored);
  const state = readTags(stored + 4, length);
  if (state == left) {
    store<u32>(lefts + (<usize>leftCount << 2), id);
    leftCount++;
  }
  if (state != usual) {
    store<u8>(states + id, state);
    return true;
  }
  const measurement = internKey(stored + 4, measurementLength);
  if (measurement < 0) return false;
  const canonical = areTagsSorted ? id : internSorted(stored + 4, length);
  if (canonical < 0) return false;
  setKey(id, canonical, measurement);
  return true;
}

/** Of the key read last. Tags are [start u32][length u32] in tagScratch, without their comma. */
let measurementLength: u32 = 0;
let tagCount: u32 = 0;
let areTagsSorted: bool = false;

/** Takes a key apart. Twin: parseLineKey of models/parse-line-key.ts, and seriesKey for the order of tags. */
function readTags(ptr: usize, length: u32): u8 {
  let needsTwin = false;
  for (let i: u32 = 0; i < length; i++) {
    const byte = load<u8>(ptr + i);
    if (byte == 92) return left;
    if (byte >= 0x80) needsTwin = true;
  }
  if (needsTwin && !isUtf8(ptr, length)) return left;
  if (length > keyBytesMax) return bad;
  let at: u32 = 0;
  while (at < length && load<u8>(ptr + at) != 44) at++;
  if (at == 0) return bad;
  measurementLength = at;
  tagCount = 0;
  while (at < length) {
    const start = ++at;
    while (at < length && load<u8>(ptr + at) != 61 && load<u8>(ptr + at) != 44) at++;
    const nameLength = at - start;
    if (nameLength == 0 || at >= length || load<u8>(ptr + at) != 61) return bad;
    if (nameLength == 4 && load<u32>(ptr + start) == 0x656d6974) return bad; // time
    at++;
    const valueStart = at;
    // An equals sign may start a value: canonical keys escape it.
    if (at < length && load<u8>(ptr + at) == 61) return left;
    while (at < length && load<u8>(ptr + at) != 44) if (load<u8>(ptr + at++) == 61) return bad;
    if (at == valueStart) return bad;
    if (tagCount == tagsMax) return left;
    store<u32>(tagScratch + (<usize>tagCount << 3), start);
    store<u32>(tagScratch + (<usize>tagCount << 3), at - start, 4);
    tagCount++;
  }
  return sortTags(ptr);
}

/** By the bytes of their names; two of one name are no key. */
function sortTags(ptr: usize): u8 {
  areTagsSorted = true;
  for (let i: u32 = 1; i < tagCount; i++) {
    const tag = load<u64>(tagScratch + (<usize>i << 3));
    let to = i;
    for (; to > 0; to--) {
      const before = load<u64>(tagScratch + (<usize>(to - 1) << 3));
      const order = compareNames(ptr + <u32>before, ptr + <u32>tag);
      if (order == 0) return bad;
      if (order < 0) break;
      store<u64>(tagScratch + (<usize>to << 3), before);
    }
    if (to == i) continue;
    store<u64>(tagScratch + (<usize>to << 3), tag);
    areTagsSorted = false;
  }
  return usual;
}

/** Each ends with an equals sign. */
function compareNames(a: usize, b: usize): i32 {
  while (load<u8>(a) == load<u8>(b)) {
    if (load<u8>(a) == 61) return 0;
    a++;
    b++;
  }
  if (load<u8>(a) == 61) return -1;
  if (load<u8>(b) == 61) return 1;
  return <i32>load<u8>(a) - <i32>load<u8>(b);
}

function internSorted(ptr: usize, length: u32): i32 {
  const room = keyRoom(length);
  if (room == 0) return -1;
  memory.copy(room, ptr, measurementLength);
  let to = room + measurementLength;
  for (let i: u32 = 0; i < tagCount; i++) {
    const start = load<u32>(tagScratch + (<usize>i << 3));
    const tagLength = load<u32>(tagScratch + (<usize>i << 3), 4);
    store<u8>(to, 44);
    memory.copy(to + 1, ptr + start, tagLength);
    to += tagLength + 1;
  }
  return internKey(room, <u32>(to - room));
}
