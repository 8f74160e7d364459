// Pairs of series.ts in order of their words, byte by byte from the last one on: nothing is compared, and each pass reads the pairs
// once as they lie. Of keys that their words do not tell apart the order is left to sortPass().

const pairBytes: usize = 16;
const wordBytes: u32 = 8;
const byteValues: u32 = 256;

/** Bytes of room that countBytes() fills. */
export function byteCountsBytes(): u32 {
  return wordBytes * byteValues * 4;
}

/** Says how many words have each value in each of their bytes. Answers how many words there may be, by that, up to the greatest u32. */
export function countBytes(pairs: usize, count: u32, counts: usize): u32 {
  memory.fill(counts, 0, byteCountsBytes());
  const end = pairs + <usize>count * pairBytes;
  for (let pair = pairs; pair < end; pair += pairBytes) {
    let word = load<u64>(pair);
    for (let table = counts; table < counts + byteCountsBytes(); table += byteValues * 4) {
      const at = table + ((<usize>word & 255) << 2);
      store<u32>(at, load<u32>(at) + 1);
      word >>= 8;
    }
  }
  let words: u64 = 1;
  for (let table = counts; table < counts + byteCountsBytes(); table += byteValues * 4) {
    let values: u64 = 0;
    for (let at = table; at < table + byteValues * 4; at += 4) values += u64(load<u32>(at) != 0);
    words = min<u64>(words * values, u32.MAX_VALUE);
  }
  return <u32>words;
}

/**
 * Moves pairs to `to` in order of byte `number` of their words, 0 the lowest, and in their own order where it is the same. False where
 * it is the same in all: nothing is moved then.
 */
export function moveByByte(pairs: usize, to: usize, count: u32, number: u32, counts: usize): bool {
  const table = counts + <usize>(number * byteValues * 4);
  const shift = <u64>(number << 3);
  if (load<u32>(table + ((<usize>(load<u64>(pairs) >> shift) & 255) << 2)) == count) return false;
  let sum: u32 = 0;
  for (let at = table; at < table + byteValues * 4; at += 4) {
    const own = load<u32>(at);
    store<u32>(at, sum);
    sum += own;
  }
  const end = pairs + <usize>count * pairBytes;
  for (let pair = pairs; pair < end; pair += pairBytes) {
    const at = table + ((<usize>(load<u64>(pair) >> shift) & 255) << 2);
    const place = load<u32>(at);
    store<u32>(at, place + 1);
    v128.store(to + <usize>place * pairBytes, v128.load(pair));
  }
  return true;
}
