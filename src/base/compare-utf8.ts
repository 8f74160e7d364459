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
    const isByte = isLow(a) || isLow(b);
    if (isByte && !(i > 0 && isHigh(left.charCodeAt(i - 1)))) return compareFrom(left, right, i);
    const isSurrogateA = a >= 0xd800 && a <= 0xdfff;
    const isSurrogateB = b >= 0xd800 && b <= 0xdfff;
    if (isSurrogateA !== isSurrogateB) return isSurrogateA ? 1 : -1;
    return a - b;
  }
  return left.length - right.length;
}

function isHigh(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}

function isLow(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}

/** Where one of them has a byte, and not the second half of a character. */
function compareFrom(left: string, right: string, at: number): number {
  const [one, other] = [left, right].map((text) => exactBytesOf(text.slice(at, at + unitsTold)));
  return Buffer.compare(one ?? new Uint8Array(), other ?? new Uint8Array());
}
