// Bytes: counted, hashed, compared.

let newlines: u32 = 0;
let equals: u32 = 0;

/** A lane of bytes counts no further. */
const stepsMax: u32 = 255;
const fewWordsMax: u32 = 16;
const fewBytesMax: u32 = 128;

/** The sum of sixteen counts. */
// @ts-ignore: decorator
@inline
function sumOf(counts: v128): u32 {
  const words = i32x4.extadd_pairwise_i16x8_u(i16x8.extadd_pairwise_i8x16_u(counts));
  return i32x4.extract_lane(words, 0) + i32x4.extract_lane(words, 1) + i32x4.extract_lane(words, 2) + i32x4.extract_lane(words, 3);
}

/** Counts the newlines and the equals signs in [ptr, ptr + length), sixteen bytes at a time; answers the newlines. */
export function countMarks(ptr: usize, length: u32): u32 {
  newlines = 0;
  equals = 0;
  const end = ptr + length;
  while (ptr + 16 <= end) {
    const steps = min<u32>(stepsMax, <u32>(end - ptr) >>> 4);
    let ends = i8x16.splat(0);
    let signs = i8x16.splat(0);
    for (let i: u32 = 0; i < steps; i++) {
      const bytes = v128.load(ptr);
      // What is equal is -1.
      ends = i8x16.sub(ends, i8x16.eq(bytes, i8x16.splat(10)));
      signs = i8x16.sub(signs, i8x16.eq(bytes, i8x16.splat(61)));
      ptr += 16;
    }
    newlines += sumOf(ends);
    equals += sumOf(signs);
  }
  for (; ptr < end; ptr++) {
    const byte = load<u8>(ptr);
    if (byte == 10) newlines++;
    else if (byte == 61) equals++;
  }
  return newlines;
}

/** Of the bytes counted last. */
export function countedEquals(): u32 {
  return equals;
}

/** Never 0. Up to 7 bytes behind the end are read. */
// @ts-ignore: decorator
@inline
export function hashBytes(ptr: usize, length: u32): u64 {
  let hash: u64 = 0x9e3779b97f4a7c15 ^ <u64>length;
  const end = ptr + length;
  while (ptr + 8 <= end) {
    hash = rotl<u64>(hash ^ (load<u64>(ptr) * 0xc2b2ae3d27d4eb4f), 31) * 0x9e3779b185ebca87;
    ptr += 8;
  }
  if (ptr < end) {
    const mask = ((<u64>1) << ((<u64>(end - ptr)) << 3)) - 1;
    hash = rotl<u64>(hash ^ ((load<u64>(ptr) & mask) * 0xc2b2ae3d27d4eb4f), 31) * 0x9e3779b185ebca87;
  }
  hash ^= hash >> 32;
  hash *= 0x9fb21c651e98df25;
  hash ^= hash >> 28;
  return hash | 1;
}

/** FNV-1a 64. Twin: seriesKeyHash of models/series-key.ts. */
export function fnvBytes(ptr: usize, length: u32): u64 {
  let hash: u64 = 0xcbf29ce484222325;
  for (const end = ptr + length; ptr < end; ptr++) hash = (hash ^ <u64>load<u8>(ptr)) * 0x100000001b3;
  return hash;
}

/** For few words, of which a call of memory.copy takes longer. */
// @ts-ignore: decorator
@inline
export function copyFewWords(to: usize, from: usize, count: u32): void {
  if (count > fewWordsMax) {
    memory.copy(to, from, <usize>count << 2);
    return;
  }
  for (const end = from + (<usize>count << 2); from < end; from += 4, to += 4) store<u32>(to, load<u32>(from));
}

/** For few bytes. Up to 15 behind the end are read, and written. */
// @ts-ignore: decorator
@inline
export function copyFewBytes(to: usize, from: usize, length: u32): void {
  if (length > fewBytesMax) {
    memory.copy(to, from, length);
    return;
  }
  for (const end = from + length; from < end; from += 16, to += 16) v128.store(to, v128.load(from));
}

// @ts-ignore: decorator
@inline
export function isEqual(a: usize, b: usize, length: u32): bool {
  // The last piece may have bytes of the one before it.
  if (length > 16) {
    const last = length - 16;
    for (let i: u32 = 0; i < last; i += 16) if (v128.any_true(v128.xor(v128.load(a + i), v128.load(b + i)))) return false;
    return !v128.any_true(v128.xor(v128.load(a + last), v128.load(b + last)));
  }
  if (length >= 8) {
    const last = length - 8;
    return load<u64>(a) == load<u64>(b) && load<u64>(a + last) == load<u64>(b + last);
  }
  if (length >= 4) return load<u32>(a) == load<u32>(b) && load<u32>(a + length - 4) == load<u32>(b + length - 4);
  for (let i: u32 = 0; i < length; i++) if (load<u8>(a + i) != load<u8>(b + i)) return false;
  return true;
}

/** Negative, 0 or positive, as the bytes of a come before those of b. */
export function compareBytes(a: usize, lengthA: u32, b: usize, lengthB: u32): i32 {
  const length = min(lengthA, lengthB);
  let i: u32 = 0;
  for (; i + 8 <= length; i += 8) {
    const x = load<u64>(a + i);
    const y = load<u64>(b + i);
    if (x != y) return bswap<u64>(x) < bswap<u64>(y) ? -1 : 1;
  }
  for (; i < length; i++) {
    const step = <i32>load<u8>(a + i) - <i32>load<u8>(b + i);
    if (step != 0) return step;
  }
  return lengthA < lengthB ? -1 : <i32>(lengthA > lengthB);
}

/** Whether bytes are UTF-8 without surrogates and overlong forms: a decoder changes no other. */
export function isUtf8(ptr: usize, length: u32): bool {
  const end = ptr + length;
  while (ptr < end) {
    const first = <u32>load<u8>(ptr++);
    if (first < 0x80) continue;
    let rest: u32 = 0;
    let least: u32 = 0x80;
    let most: u32 = 0xbf;
    if (first >= 0xc2 && first <= 0xdf) rest = 1;
    else if ((first & 0xf0) == 0xe0) {
      rest = 2;
      if (first == 0xe0) least = 0xa0;
      if (first == 0xed) most = 0x9f;
    } else if (first >= 0xf0 && first <= 0xf4) {
      rest = 3;
      if (first == 0xf0) least = 0x90;
      if (first == 0xf4) most = 0x8f;
    } else return false;
    for (; rest > 0; rest--) {
      if (ptr >= end) return false;
      const next = <u32>load<u8>(ptr++);
      if (next < least || next > most) return false;
      least = 0x80;
      most = 0xbf;
    }
  }
  return true;
}
