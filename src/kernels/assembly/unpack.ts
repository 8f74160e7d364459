// Integers of simple8b words, changes from value to value in zigzag, added up: eight at a time where they have few bits, as
// those of measured values mostly do.
//
// Bytes of a word are brought to lanes of 16 bits, each those that its value begins in. A product brings the value to the
// upper end of its lane, a shift to the lower. Lanes behind the last value of a word are multiplied by 0: a change of 0, so
// that the last lane has the sum of all. Twin: the loop at the end of unpackIntegers(), which also takes the last words of a
// block, where eight values at a time would be written beyond it.

import { bigEndian, countsAt, unzigzag, widthsAt } from './blocks';

/** Selectors of which a change has 1 to 12 bits. */
const selectorFirst: u32 = 2;
const selectorLast: u32 = 11;
/** Of 20 bits. */
const selectorNarrowLast: u32 = 13;
const lanes: u32 = 8;
/** For eight values of a word: where the bytes of each lane are, and what it is multiplied by. */
const stepBytes: usize = 32;
/** Of the selector with the most values. */
const stepsMax: u32 = 8;
const selectorBytes: usize = stepBytes * stepsMax;
const stepsAt = memory.data(2560, 16);
let hasSteps = false;

/**
 * Unpacks words from `at` on to values from `to` on, which begin after `value`; whether they end where `toEnd` is, and no word
 * reaches beyond.
 */
export function unpackIntegers(at: usize, end: usize, value: i64, to: usize, toEnd: usize): bool {
  if (!hasSteps) makeSteps();
  for (let word = at; word + 8 <= end; word += 8) {
    const selector = <u32>load<u8>(word) >> 4;
    const count = <usize>load<u8>(countsAt + selector);
    const wordEnd = to + (count << 3);
    if (wordEnd > toEnd) return false;
    const width = <u64>load<u8>(widthsAt + selector);
    if (selector - selectorFirst <= selectorLast - selectorFirst && to + (((count + 7) & ~7) << 3) <= toEnd) {
      value = unpackEights(word, selector, <i32>(16 - width), value, to, wordEnd);
      to = wordEnd;
    } else if (selector < selectorFirst) {
      // Runs of ones: a zigzag 1 is a step of -1.
      for (; to < wordEnd; to += 8) store<i64>(to, --value);
    } else {
      const mask = (<u64>1 << width) - 1;
      let rest = bigEndian(word);
      for (; to < wordEnd; to += 8, rest >>= width) store<i64>(to, (value += unzigzag(rest & mask)));
    }
  }
  return to == toEnd;
}

// @ts-ignore: decorator
@inline
function unpackEights(word: usize, selector: u32, shift: i32, value: i64, to: usize, end: usize): i64 {
  const bytes = v128.load64_zero(word);
  let step = stepsAt + <usize>(selector - selectorFirst) * selectorBytes;
  for (; to < end; to += 64, step += stepBytes) {
    const sums = halfSums(bytes, step, shift);
    const low = i32x4.extend_low_i16x8_s(sums);
    const high = i32x4.extend_high_i16x8_s(sums);
    const before = i64x2.splat(value);
    v128.store(to, i64x2.add(before, i64x2.extend_low_i32x4_s(low)));
    v128.store(to, i64x2.add(before, i64x2.extend_high_i32x4_s(low)), 16);
    value += <i64>i16x8.extract_lane_s(sums, 3);
    const middle = i64x2.splat(value);
    v128.store(to, i64x2.add(middle, i64x2.extend_low_i32x4_s(high)), 32);
    v128.store(to, i64x2.add(middle, i64x2.extend_high_i32x4_s(high)), 48);
    value += <i64>i16x8.extract_lane_s(sums, 7);
  }
  return value;
}

/**
 * The same to values of 4 bytes, where none is beyond 30 bits; false as well as soon as one is. Up to 32 bytes behind `toEnd` are
 * written to.
 */
export function unpackNarrow(at: usize, end: usize, value: i32, to: usize, toEnd: usize): bool {
  if (!hasSteps) makeSteps();
  for (let word = at; word + 8 <= end; word += 8) {
    const selector = <u32>load<u8>(word) >> 4;
    const wordEnd = to + (<usize>load<u8>(countsAt + selector) << 2);
    if (wordEnd > toEnd || !isNarrow(value)) return false;
    if (selector < selectorFirst) {
      for (; to < wordEnd; to += 4) store<i32>(to, --value);
    } else if (selector <= selectorLast) {
      value = unpackNarrowEights(word, selector, 16 - <i32>load<u8>(widthsAt + selector), value, to, wordEnd);
      to = wordEnd;
    } else {
      const width = <u64>load<u8>(widthsAt + selector);
      const mask = (<u64>1 << width) - 1;
      let rest = bigEndian(word);
      for (; to < wordEnd; to += 4, rest >>= width) {
        const change = unzigzag(rest & mask);
        // The last two of a block have up to 60 bits, mostly for small changes.
        if (selector > selectorNarrowLast && !isNarrow(value + change)) return false;
        store<i32>(to, (value += <i32>change));
      }
    }
  }
  return to == toEnd && isNarrow(value);
}

/** Whether values of a word are unpacked eight at a time, or are a run. */
export function hasFewBits(selector: u32): bool {
  return selector <= selectorLast;
}

/** What a word adds, of values of 20 bits at the most, stays within 4 bytes. */
// @ts-ignore: decorator
@inline
export function isNarrow(value: i64): bool {
  return <u64>(value + (1 << 29)) < <u64>(1 << 30);
}

// @ts-ignore: decorator
@inline
function unpackNarrowEights(word: usize, selector: u32, shift: i32, value: i32, to: usize, end: usize): i32 {
  const bytes = v128.load64_zero(word);
  let step = stepsAt + <usize>(selector - selectorFirst) * selectorBytes;
  for (; to < end; to += 32, step += stepBytes) {
    const sums = halfSums(bytes, step, shift);
    v128.store(to, i32x4.add(i32x4.splat(value), i32x4.extend_low_i16x8_s(sums)));
    value += <i32>i16x8.extract_lane_s(sums, 3);
    v128.store(to, i32x4.add(i32x4.splat(value), i32x4.extend_high_i16x8_s(sums)), 16);
    value += <i32>i16x8.extract_lane_s(sums, 7);
  }
  return value;
}

/** Eight changes of a word, those of each half added up on their own. */
// @ts-ignore: decorator
@inline
function halfSums(bytes: v128, step: usize, shift: i32): v128 {
  const placed = i16x8.mul(i8x16.swizzle(bytes, v128.load(step)), v128.load(step, 16));
  const packed = i16x8.shr_u(placed, shift);
  const sign = i16x8.sub(i16x8.splat(0), v128.and(packed, i16x8.splat(1)));
  const changes = v128.xor(i16x8.shr_u(packed, 1), sign);
  const pairs = i16x8.add(changes, i64x2.shl(changes, 16));
  return i16x8.add(pairs, i64x2.shl(pairs, 32));
}

function makeSteps(): void {
  for (let selector = selectorFirst; selector <= selectorLast; selector++) {
    const count = <u32>load<u8>(countsAt + selector);
    const width = <u32>load<u8>(widthsAt + selector);
    let step = stepsAt + <usize>(selector - selectorFirst) * selectorBytes;
    for (let first: u32 = 0; first < count; first += lanes, step += stepBytes)
      for (let lane: u32 = 0; lane < lanes; lane++) {
        const bit = (first + lane) * width;
        // The word's first byte is its highest. Beyond it nothing is read: a place of 255 gives 0.
        const low = 7 - (bit >> 3);
        const isWithin = first + lane < count;
        store<u8>(step + (lane << 1), <u8>(isWithin ? low : 255));
        store<u8>(step + (lane << 1), <u8>(isWithin && low > 0 ? low - 1 : 255), 1);
        store<u16>(step + (lane << 1), <u16>(isWithin ? <u32>1 << (16 - width - (bit & 7)) : 0), 16);
      }
  }
  hasSteps = true;
}
