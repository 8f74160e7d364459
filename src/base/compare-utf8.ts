import { Buffer } from 'node:buffer';
import { exactBytesOf } from './exact-text.ts';

/** Where two texts first differ their bytes do within as many units. */
const unitsTold = 8;

/**
 * Orders text by its UTF-8 bytes, which is by code points; JavaScript's own order differs past U+FFFF. Bytes that are no UTF-8
 * (exact-text.ts) stand where they stand among bytes.
 */
export function compareUtf8(left: string, right: string): number {
  const length = Math.min(left.length, right.length);
  for (let i = 0; i < length; i++) {
    const a = left.charCodeAt(i);
    const b = right.charCodeAt(i);
    if (a === b) continue;
    const isSurrogateA = a >= 0xd800 && a <= 0xdfff;
    const isSurrogateB = b >= 0xd800 && b <= 0xdfff;
    if (isLow(a) || isLow(b)) return compareFrom(left, right, i);
    if (isSurrogateA !== isSurrogateB) return isSurrogateA ? 1 : -1;
    return a - b;
  }
  return left.length - right.length;
}

function isLow(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}

/** Half of a character, or a byte. */
function compareFrom(left: string, right: string, at: number): number {
  const before = at === 0 ? 0 : left.charCodeAt(at - 1);
  const start = before >= 0xd800 && before <= 0xdbff ? at - 1 : at;
  const [one, other] = [left, right].map((text) => exactBytesOf(text.slice(start, start + unitsTold))); // prettier-ignore
  return Buffer.compare(one ?? new Uint8Array(), other ?? new Uint8Array());
}
