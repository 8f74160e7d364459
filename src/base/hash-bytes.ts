/**
 * Hashes of bytes, which filters and sketches on disk are made with: a change of them is another version of the file.
 * MurmurHash3's 32-bit form, and a second value mixed out of it.
 */
const seed = 0x9747b28c;

export function hashBytes(bytes: Uint8Array, start: number, end: number): number {
  let hash = seed;
  let at = start;
  for (; at + 4 <= end; at += 4) {
    let word = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24); // prettier-ignore
    word = Math.imul(word, 0xcc9e2d51);
    word = (word << 15) | (word >>> 17);
    hash ^= Math.imul(word, 0x1b873593);
    hash = (hash << 13) | (hash >>> 19);
    hash = (Math.imul(hash, 5) + 0xe6546b64) | 0;
  }
  let rest = 0;
  for (let shift = 0; at < end; at++, shift += 8) rest |= (bytes[at] ?? 0) << shift;
  rest = Math.imul(rest, 0xcc9e2d51);
  rest = (rest << 15) | (rest >>> 17);
  return mixHash(hash ^ Math.imul(rest, 0x1b873593) ^ (end - start));
}

/** Another hash of a hash. */
export function mixHash(hash: number): number {
  let mixed = hash ^ (hash >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
