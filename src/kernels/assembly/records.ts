// Records of the log that lie side by side (storage/wal/wal-record.ts has their layout), with their checksums, and which of them there
// are of each shard. Twins: passOne() of storage/wal/read-segment.ts, storage/wal/record-index.fuzz.test.ts.
import { crcFrom, crcOf } from './crc';

const headBytes: usize = 40;
const checkedHeadBytes: u32 = 36;
/** Of an offset, and of a count: the body's checksum is the caller's to compare. */
const unchecked: u32 = 1 << 31;
/** What is written of a record. */
const rowBytes: usize = 32;
const pointsKind: u32 = 1;
const vouchKind: u32 = 3;
const voidKind: u32 = 4;
const kindMax: u32 = 5;

/**
 * Writes a row of u32 of each whole record from `ptr` on to `out`: offset, kind and codec, the halves of shard id and sequence, lengths of
 * bitmap and payload; and behind the last row where the first byte lies that is of none of them. Bodies of `largeBytes` and more are not
 * looked at: there is a faster sum for them outside. `length` is below 2^31, `out` has room for a row for each 40 bytes, and one word.
 * Answers how many records there are.
 */
export function listRecords(ptr: usize, length: u32, magic: u32, salt: u32, largeBytes: u32, out: usize): u32 {
  const end = ptr + length;
  let at = ptr;
  let count: u32 = 0;
  let marks: u32 = 0;
  while (at + headBytes <= end) {
    if (load<u32>(at) != magic) break;
    if (load<u32>(at, 36) != crcFrom(salt, at, checkedHeadBytes)) break;
    const bodyBytes = <u64>load<u32>(at, 24) + <u64>load<u32>(at, 28);
    if (bodyBytes > <u64>(end - at - headBytes)) break;
    const kind = <u32>load<u8>(at, 4);
    if (kind == 0 || kind > kindMax) break;
    const mark: u32 = bodyBytes >= <u64>largeBytes ? unchecked : 0;
    if (mark == 0 && load<u32>(at, 32) != crcOf(at + headBytes, <u32>bodyBytes)) break;
    store<u32>(out, <u32>(at - ptr) | mark);
    store<u32>(out, load<u16>(at, 4), 4);
    store<u64>(out, load<u64>(at, 8), 8);
    store<u64>(out, load<u64>(at, 16), 16);
    store<u64>(out, load<u64>(at, 24), 24);
    marks |= mark;
    out += rowBytes;
    count++;
    at += headBytes + <usize>bodyBytes;
  }
  store<u32>(out, <u32>(at - ptr));
  return count | marks;
}

// The index: u32 pointers to slots, their mask, pointers to entries, how many there are, pointers to next and places of records, how many
// of these there are and one more; then the stamp that is the latest of what waits, as batches have it. Slots hold numbers of entries
// and one more, records are counted from 1 on.
//
// An entry: u64 shard id, u64 first and last sequence of the records that came side by side last, u64 the highest sequence, u32
// segment and offset of the last record, u32 what becomes of records, u32 bytes that wait, u32 first and last record that
// waits, u64 the highest sequence in that segment.
const entryShift: usize = 6;
/** What becomes of a shard's records: they are not wanted, wait, or are handed to the caller. */
const unwanted: u32 = 0;
const handed: u32 = 2;
const stampOffset: usize = 32;
const stampBytes: u32 = 16;

// @ts-ignore: decorator
@inline
function padded(length: usize): usize {
  return (length + 7) & ~7;
}

// @ts-ignore: decorator
@inline
function slotOf(index: usize, id: u64): usize {
  const mask = load<u32>(index, 4);
  return <usize>(<u32>((id * 0x9e3779b97f4a7c15) >> 32) & mask);
}

/** The number of a shard's entry; 2^32 - 1 without one. */
export function recordsOfShard(index: usize, low: u32, high: u32): u32 {
  const id = <u64>low | (<u64>high << 32);
  const slots = <usize>load<u32>(index);
  const entries = <usize>load<u32>(index, 8);
  const mask = load<u32>(index, 4);
  let slot = slotOf(index, id);
  let held = load<u32>(slots + (slot << 2));
  while (held != 0) {
    if (load<u64>(entries + (<usize>(held - 1) << entryShift)) == id) return held - 1;
    slot = (slot + 1) & mask;
    held = load<u32>(slots + (slot << 2));
  }
  return 0xffffffff;
}

/**
 * Writes the shard id and the sequence that lies `offset` bytes behind the begin of an entry, as f64, of each entry whose last record is in that
 * segment to `out`; of all for 2^32 - 1. There is room for all. Answers how many there are.
 */
export function sequencesOfRecords(index: usize, segment: u32, offset: u32, out: usize): u32 {
  const count = load<u32>(index, 12);
  let entry = <usize>load<u32>(index, 8);
  let written: u32 = 0;
  for (let number: u32 = 0; number < count; number++) {
    if (segment == 0xffffffff || load<u32>(entry, 32) == segment) {
      store<f64>(out, <f64>load<u64>(entry));
      store<f64>(out, <f64>load<u64>(entry + offset), 8);
      out += 16;
      written++;
    }
    entry += 1 << entryShift;
  }
  return written;
}

/** Puts all entries into slots that hold nothing. */
export function slotRecords(index: usize): void {
  const slots = <usize>load<u32>(index);
  const mask = load<u32>(index, 4);
  const count = load<u32>(index, 12);
  let entry = <usize>load<u32>(index, 8);
  for (let number: u32 = 1; number <= count; number++) {
    let slot = slotOf(index, load<u64>(entry));
    while (load<u32>(slots + (slot << 2)) != 0) slot = (slot + 1) & mask;
    store<u32>(slots + (slot << 2), number);
    entry += 1 << entryShift;
  }
}

/** There is a slot that holds nothing, and room for an entry. */
function entryOf(index: usize, id: u64): u32 {
  const slots = <usize>load<u32>(index);
  const entries = <usize>load<u32>(index, 8);
  const mask = load<u32>(index, 4);
  let slot = slotOf(index, id);
  let held = load<u32>(slots + (slot << 2));
  while (held != 0) {
    if (load<u64>(entries + (<usize>(held - 1) << entryShift)) == id) return held - 1;
    slot = (slot + 1) & mask;
    held = load<u32>(slots + (slot << 2));
  }
  const number = load<u32>(index, 12);
  store<u32>(index, number + 1, 12);
  store<u32>(slots + (slot << 2), number + 1);
  const entry = entries + (<usize>number << entryShift);
  memory.fill(entry, 0, 1 << entryShift);
  store<u64>(entry, id);
  // No segment, so that the first record begins one.
  store<u32>(entry, 0xffffffff, 32);
  return number;
}

/**
 * Notes `count` records, of which rows are given, in the segment of that number, which begins `base` before them. Writes to `ofRows` the entry
 * of each, 2^32 - 1 of one that is of no shard, to `breaks` of each record that does not follow the last of its shard u64 entry and what came
 * side by side before, first and last, and to `vouches` which records are vouches. There is room for as many entries more. Answers
 * how many breaks there are, and above 2^32 how many vouches.
 */
export function noteRecords(index: usize, rows: usize, count: u32, segment: u32, base: u32, ofRows: usize, breaks: usize, vouches: usize): u64 {
  const entries = <usize>load<u32>(index, 8);
  let breakCount: u32 = 0;
  let vouchCount: u32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const row = rows + <usize>i * rowBytes;
    const kind = load<u32>(row, 4) & 255;
    if (kind == vouchKind || kind == voidKind) {
      store<u32>(ofRows + (<usize>i << 2), 0xffffffff);
      if (kind == vouchKind) store<u32>(vouches + (<usize>(vouchCount++) << 2), i);
      continue;
    }
    const number = entryOf(index, load<u64>(row, 8));
    store<u32>(ofRows + (<usize>i << 2), number);
    const entry = entries + (<usize>number << entryShift);
    const sequence = load<u64>(row, 16);
    const last = load<u64>(entry, 16);
    if (last == 0 && load<u64>(entry, 24) == 0) store<u64>(entry, sequence, 8);
    else if (sequence != last + 1) {
      const to = breaks + <usize>(breakCount++) * 24;
      store<u64>(to, number);
      store<u64>(to, load<u64>(entry, 8), 8);
      store<u64>(to, last, 16);
      store<u64>(entry, sequence, 8);
    }
    store<u64>(entry, sequence, 16);
    if (sequence > load<u64>(entry, 24)) store<u64>(entry, sequence, 24);
    if (load<u32>(entry, 32) != segment || sequence > load<u64>(entry, 56)) store<u64>(entry, sequence, 56);
    store<u32>(entry, segment, 32);
    store<u32>(entry, base + (load<u32>(row) & ~unchecked), 36);
  }
  return <u64>breakCount | (<u64>vouchCount << 32);
}

// @ts-ignore: decorator
@inline
function isLater(stamp: usize, other: usize): bool {
  const ns = load<i64>(stamp);
  const otherNs = load<i64>(other);
  return ns != otherNs ? ns > otherNs : load<u64>(stamp, 8) > load<u64>(other, 8);
}

/**
 * Copies the records that are to wait, of those that were noted last and lie at `ptr`, to `out` one behind the other, with bitmap and payload each padded
 * to 8 bytes, and links each behind the others of its shard; there is room for so many records more. A shard has `bytesMax` at most
 * of them: what is beyond, and all of it from then on, is handed to the caller, in `handedRows`. Answers how many bytes were copied, and above 2^32
 * how many were handed.
 */
export function keepRecords(index: usize, ptr: usize, rows: usize, count: u32, ofRows: usize, bytesMax: u32, out: usize, handedRows: usize): u64 {
  const entries = <usize>load<u32>(index, 8);
  const next = <usize>load<u32>(index, 16);
  const places = <usize>load<u32>(index, 20);
  let record = load<u32>(index, 24);
  let to = out;
  let handedCount: u32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const number = load<u32>(ofRows + (<usize>i << 2));
    if (number == 0xffffffff) continue;
    const entry = entries + (<usize>number << entryShift);
    const use = load<u32>(entry, 40);
    if (use == unwanted) continue;
    const row = rows + <usize>i * rowBytes;
    const at = ptr + <usize>(load<u32>(row) & ~unchecked);
    const bitmapBytes = <usize>load<u32>(row, 24);
    const payloadBytes = <usize>load<u32>(row, 28);
    const lengthBytes = headBytes + padded(bitmapBytes) + padded(payloadBytes);
    const waitBytes = load<u32>(entry, 44) + <u32>lengthBytes;
    if (use == handed || waitBytes > bytesMax) {
      store<u32>(entry, handed, 40);
      store<u32>(handedRows + (<usize>(handedCount++) << 2), i);
      continue;
    }
    store<u32>(entry, waitBytes, 44);
    memory.copy(to, at, headBytes);
    memory.copy(to + headBytes, at + headBytes, bitmapBytes);
    const payload = to + headBytes + padded(bitmapBytes);
    memory.copy(payload, at + headBytes + bitmapBytes, payloadBytes);
    if ((load<u32>(row, 4) & 255) == pointsKind && payloadBytes >= stampOffset + stampBytes && isLater(payload + stampOffset, index + 32))
      memory.copy(index + 32, payload + stampOffset, stampBytes);
    store<u32>(places + (<usize>record << 2), <u32>(to - out));
    store<u32>(next + (<usize>record << 2), 0);
    const last = load<u32>(entry, 52);
    if (last == 0) store<u32>(entry, record, 48);
    else store<u32>(next + (<usize>last << 2), record);
    store<u32>(entry, record, 52);
    record++;
    to += lengthBytes;
  }
  store<u32>(index, record, 24);
  return <u64>(to - out) | (<u64>handedCount << 32);
}
