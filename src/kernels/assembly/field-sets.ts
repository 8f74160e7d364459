// The dictionary of ordered lists of typed field names, each with a dense id. Like that of the keys it lives from body to
// body; its entries are in the heap of the keys.

import { hashBytes, isEqual } from './bytes';
import { allocateInHeap } from './keys';

const fieldSetsMax: u32 = 4_096;
const fieldSetSlots: u32 = 8_192;
export const fieldsMax: u32 = 1_024;
export const fieldSetHeadBytes: usize = 16;
/** Of each field: {name ptr u32, name length u32, type u32}; an equals sign stands behind the name. */
export const fieldBytes: usize = 12;

/** Per field set: pointer to [count u32][longest name + 1 u32][hash u64]{name ptr u32, name length u32, type u32}... */
let fieldSets: usize = 0;
let fieldSetCount: u32 = 0;
/** By hash: one more than an id, 0 for none. */
let fieldSetTable: usize = 0;
/** Of the line at hand, in the same layout from the names on. */
export let scratch: usize = 0;

export function fieldSetBytes(): u32 {
  return fieldSetsMax * 4 + fieldsMax * 12 + fieldSetSlots * 4;
}

export function initFieldSets(base: usize): void {
  fieldSets = base;
  scratch = fieldSets + fieldSetsMax * 4;
  fieldSetTable = scratch + fieldsMax * 12;
  fieldSetCount = 0;
}

export function resetFieldSets(): void {
  memory.fill(fieldSetTable, 0, fieldSetSlots * 4);
  fieldSetCount = 0;
}

export function fieldSetTotal(): u32 {
  return fieldSetCount;
}

export function fieldSetPointer(id: u32): usize {
  return <usize>load<u32>(fieldSets + (<usize>id << 2));
}

/** What the twin says of the names: whether they are as points may have them. */
export function setFieldSet(id: u32, isUsual: bool): void {
  const at = fieldSetPointer(id);
  let longest: u32 = 0;
  for (let i: u32 = 0; i < load<u32>(at); i++) longest = max(longest, load<u32>(at + 16 + i * 12, 4));
  store<u32>(at, isUsual ? longest + 1 : 0, 4);
}

/** 0 for a field set that is not as usual, else one more than the bytes of its longest name. */
// @ts-ignore: decorator
@inline
export function longestName(id: u32): u32 {
  return load<u32>(fieldSetPointer(id), 4);
}

/** Id of the field set in scratch; -1 when there are too many. */
export function fieldSetOf(count: u32): i32 {
  let hash: u64 = count;
  for (let i: u32 = 0; i < count; i++) {
    const field = scratch + i * 12;
    hash = rotl<u64>(hash ^ hashBytes(<usize>load<u32>(field), load<u32>(field, 4)), 23) * 31 + load<u32>(field, 8);
  }
  let slot = <u32>hash & (fieldSetSlots - 1);
  for (; load<u32>(fieldSetTable + slot * 4) != 0; slot = (slot + 1) & (fieldSetSlots - 1)) {
    const id = load<u32>(fieldSetTable + slot * 4) - 1;
    const known = fieldSetPointer(id);
    if (load<u32>(known) != count || load<u64>(known, 8) != hash) continue;
    let isSame = true;
    for (let i: u32 = 0; i < count && isSame; i++) {
      const a = scratch + i * 12;
      const b = known + 16 + i * 12;
      isSame =
        load<u32>(a, 4) == load<u32>(b, 4) &&
        load<u32>(a, 8) == load<u32>(b, 8) &&
        isEqual(<usize>load<u32>(a), <usize>load<u32>(b), load<u32>(a, 4));
    }
    if (isSame) return id;
  }
  if (fieldSetCount >= fieldSetsMax) return -1;
  let bytes: u32 = 16 + count * 12;
  for (let i: u32 = 0; i < count; i++) bytes += load<u32>(scratch + i * 12, 4) + 8;
  const made = allocateInHeap(bytes + 32);
  if (made == 0) return -1;
  let names = made + 16 + count * 12;
  store<u32>(made, count);
  store<u32>(made, 0, 4);
  store<u64>(made, hash, 8);
  for (let i: u32 = 0; i < count; i++) {
    const from = scratch + i * 12;
    const to = made + 16 + i * 12;
    const length = load<u32>(from, 4);
    memory.copy(names, <usize>load<u32>(from), length);
    store<u8>(names + length, 61);
    store<u32>(to, <u32>names);
    store<u32>(to, length, 4);
    store<u32>(to, load<u32>(from, 8), 8);
    names += length + 1;
  }
  const id = fieldSetCount++;
  store<u32>(fieldSetTable + slot * 4, id + 1);
  store<u32>(fieldSets + (<usize>id << 2), <u32>made);
  return id;
}
