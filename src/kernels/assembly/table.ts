// Tables of keys: bytes to a dense id, and two words for each id. They lie in the store's memory, which JavaScript parts
// into blocks (kernels/kernel-heap.ts); a table that lacks room says so and is grown there (kernels/key-table.ts).
//
// A table is 40 bytes: u32 slots, u32 mask of the slots, u32 ids, u32 pointers, u32 ids there is room for, u32 top and u32
// end of the room for keys, u32 bytes of the last key that there was no room for, u32 that is not 0 once a key has had the
// head of a separator of TSM keys in it, u32 0. A slot is the upper half of the key's hash
// and id + 1; a pointer leads to [length u32][word u32][word u32][bytes].

import { hashBytes, isEqual } from './bytes';

const recordHeadBytes: u32 = 12;
/** Loads of whole words go past the end of a key. */
const slackBytes: u32 = 8;

// @ts-ignore: decorator
@inline
export function tableCount(table: usize): u32 {
  return load<u32>(table, 8);
}

// @ts-ignore: decorator
@inline
export function recordOf(table: usize, id: u32): usize {
  return <usize>load<u32>(<usize>load<u32>(table, 12) + (<usize>id << 2));
}

// @ts-ignore: decorator
@inline
export function keyLength(record: usize): u32 {
  return load<u32>(record);
}

// @ts-ignore: decorator
@inline
export function keyBytes(record: usize): usize {
  return record + recordHeadBytes;
}

/** Id of a key; -1 when it is not there. */
export function tableFind(table: usize, ptr: usize, length: u32): i32 {
  const hash = hashBytes(ptr, length);
  return load<u32>(entryOf(table, ptr, length, hash), 4) - 1;
}

/** The same of `count` keys, key i being the bytes from u32 i of `starts` to u32 i of `ends` behind `base`; i32 each at `ids`. */
export function tableFindAll(table: usize, base: usize, starts: usize, ends: usize, count: u32, ids: usize): void {
  for (let i: usize = 0; i < <usize>count; i++) {
    const start = load<u32>(starts + (i << 2));
    store<i32>(ids + (i << 2), tableFind(table, base + start, load<u32>(ends + (i << 2)) - start));
  }
}

/** The slot of a key: its own or the one that it may take. */
function entryOf(table: usize, ptr: usize, length: u32, hash: u64): usize {
  const slots = <usize>load<u32>(table);
  const mask = load<u32>(table, 4);
  const tag = <u32>(hash >> 32);
  let slot = <u32>hash & mask;
  while (true) {
    const entry = slots + (<usize>slot << 3);
    const found = load<u32>(entry, 4);
    if (found == 0) return entry;
    if (load<u32>(entry) == tag) {
      const record = recordOf(table, found - 1);
      if (keyLength(record) == length && isEqual(keyBytes(record), ptr, length)) return entry;
    }
    slot = (slot + 1) & mask;
  }
}

/** Whether there is room for one more key; notes what it needs when not. */
export function hasRoom(table: usize, length: u32): bool {
  const needed = recordHeadBytes + length + slackBytes;
  const room = load<u32>(table, 24) - load<u32>(table, 20);
  if (tableCount(table) < load<u32>(table, 16) && needed <= room) return true;
  store<u32>(table, needed, 28);
  return false;
}

/** Id of a key, given now when it is new, with both words 0; -1 when there is no room. */
export function tableIntern(table: usize, ptr: usize, length: u32): i32 {
  const hash = hashBytes(ptr, length);
  const entry = entryOf(table, ptr, length, hash);
  const found = load<u32>(entry, 4);
  if (found != 0) return found - 1;
  if (!hasRoom(table, length)) return -1;
  const id = tableCount(table);
  const record = <usize>load<u32>(table, 20);
  store<u32>(table, (<u32>record + recordHeadBytes + length + 3) & ~3, 20);
  store<u32>(record, length);
  store<u64>(record, 0, 4);
  memory.copy(keyBytes(record), ptr, length);
  store<u32>(<usize>load<u32>(table, 12) + (<usize>id << 2), <u32>record);
  store<u32>(entry, <u32>(hash >> 32));
  store<u32>(entry, id + 1, 4);
  store<u32>(table, id + 1, 8);
  return id;
}

/** Fills slots anew, which are empty. */
export function tableRehash(table: usize): void {
  const slots = <usize>load<u32>(table);
  const mask = load<u32>(table, 4);
  for (let id: u32 = 0; id < tableCount(table); id++) {
    const record = recordOf(table, id);
    const hash = hashBytes(keyBytes(record), keyLength(record));
    let slot = <u32>hash & mask;
    while (load<u32>(slots + (<usize>slot << 3), 4) != 0) slot = (slot + 1) & mask;
    store<u32>(slots + (<usize>slot << 3), <u32>(hash >> 32));
    store<u32>(slots + (<usize>slot << 3), id + 1, 4);
  }
}
