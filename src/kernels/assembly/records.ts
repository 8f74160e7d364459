// Records of the log that lie side by side (storage/wal/wal-record.ts has their layout), with their checksums. Twin:
// passOne() of storage/wal/read-segment.ts.
import { crcFrom, crcOf } from './crc';

const headBytes: usize = 40;
const checkedHeadBytes: u32 = 36;
/** Of an offset: the body's checksum is the caller's to compare. */
const unchecked: u32 = 1 << 31;
/** What is written of a record. */
const rowBytes: usize = 32;

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
  while (at + headBytes <= end) {
    if (load<u32>(at) != magic) break;
    if (load<u32>(at, 36) != crcFrom(salt, at, checkedHeadBytes)) break;
    const bodyBytes = <u64>load<u32>(at, 24) + <u64>load<u32>(at, 28);
    if (bodyBytes > <u64>(end - at - headBytes)) break;
    const isLarge = bodyBytes >= <u64>largeBytes;
    if (!isLarge && load<u32>(at, 32) != crcOf(at + headBytes, <u32>bodyBytes)) break;
    store<u32>(out, <u32>(at - ptr) | (isLarge ? unchecked : 0));
    store<u32>(out, load<u16>(at, 4), 4);
    store<u64>(out, load<u64>(at, 8), 8);
    store<u64>(out, load<u64>(at, 16), 16);
    store<u64>(out, load<u64>(at, 24), 24);
    out += rowBytes;
    count++;
    at += headBytes + <usize>bodyBytes;
  }
  store<u32>(out, <u32>(at - ptr));
  return count;
}

// @ts-ignore: decorator
@inline
function padded(length: usize): usize {
  return (length + 7) & ~7;
}

/** Copies the records of `count` places, offsets from `ptr`, to `out` one behind the other, bitmap and payload each padded to 8 bytes. */
export function gatherRecords(ptr: usize, places: usize, count: u32, out: usize): usize {
  const from = out;
  for (let i: u32 = 0; i < count; i++) {
    const at = ptr + <usize>load<u32>(places + (<usize>i << 2));
    const bitmapBytes = <usize>load<u32>(at, 24);
    const payloadBytes = <usize>load<u32>(at, 28);
    memory.copy(out, at, headBytes);
    out += headBytes;
    memory.copy(out, at + headBytes, bitmapBytes);
    out += padded(bitmapBytes);
    memory.copy(out, at + headBytes + bitmapBytes, payloadBytes);
    out += padded(payloadBytes);
  }
  return out - from;
}
