import { Byte } from '../../../models/line-bytes.ts';

/** Where words lie in bytes: the first `count` of each. */
export interface Words {
  readonly starts: number[];
  readonly ends: number[];
  count: number;
}

/** The words of bytes [start, end), between what Go's strings.Fields takes for white space. */
export function splitWords(
  bytes: Uint8Array,
  { start, end }: { readonly start: number; readonly end: number },
  words: Words,
): void {
  words.count = 0;
  let isWithin = false;
  for (let at = start; at < end;) {
    const length = spaceBytesAt(bytes, at, end);
    if (length === 0 && !isWithin) words.starts[words.count] = at;
    if (length > 0 && isWithin) words.ends[words.count++] = at;
    isWithin = length === 0;
    at += length === 0 ? 1 : length;
  }
  if (isWithin) words.ends[words.count++] = end;
}

/** Of the white space at a place: 0 is none. */
function spaceBytesAt(bytes: Uint8Array, at: number, end: number): number {
  const byte = bytes[at] ?? 0;
  if (byte < 0x80) return byte === Byte.space || (byte >= Byte.tab && byte <= 13) ? 1 : 0;
  if (byte === 0xc2) return at + 1 < end && [0x85, 0xa0].includes(bytes[at + 1] ?? 0) ? 2 : 0;
  if (byte !== 0xe1 && byte !== 0xe2 && byte !== 0xe3) return 0;
  if (at + 2 >= end) return 0;
  return isWideSpace((byte << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0)) ? 3 : 0;
}

/** U+1680, U+2000 to U+200A, U+2028, U+2029, U+202F, U+205F and U+3000, as their bytes. */
function isWideSpace(bytes: number): boolean {
  if (bytes >= 0xe28080 && bytes <= 0xe2808a) return true;
  return [0xe19a80, 0xe280a8, 0xe280a9, 0xe280af, 0xe2819f, 0xe38080].includes(bytes);
}
