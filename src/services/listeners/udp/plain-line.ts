/**
 * Lines of line protocol as programs write them, known as points without an object for any part of them. What is unusual (escapes, white space,
 * bytes beyond ASCII in names, tags out of order, numbers with exponents) is left to models/line-protocol.ts, which knows all of it:
 * a line that is plain here is a point there, with the same end.
 */
const newline = 10;
const space = 32;
const quote = 34;
const comma = 44;
const minus = 45;
const point = 46;
const equals = 61;
const backslash = 92;
/** More may be too large for their type. */
const numberBytesMax = 18;
/** Below the largest time by more than a double is wrong. */
const timeNsMax = 9.2e18;

/** Bytes that need no look in a name: all of ASCII that can be seen, but those that mean something. */
const nameBytes = new Uint8Array(256);
for (let byte = 33; byte < 127; byte++) nameBytes[byte] = 1;
for (const byte of [quote, comma, equals, backslash]) nameBytes[byte] = 0;

/** Ends of the line that begins at `start`: where it ends, and whether it has a time. */
export interface LineEnd {
  end: number;
  isTimed: boolean;
}

/** False for a line that is not plain, whatever else it is. */
export function findPlainLine(
  bytes: Uint8Array,
  start: number,
  stepNs: number,
  found: LineEnd,
): boolean {
  const keyEnd = endOfKey(bytes, start);
  if (keyEnd < 0) return false;
  const fieldsEnd = endOfFields(bytes, keyEnd + 1);
  if (fieldsEnd < 0) return false;
  found.isTimed = bytes[fieldsEnd] === space;
  found.end = found.isTimed ? endOfTime(bytes, fieldsEnd + 1, stepNs) : fieldsEnd;
  return found.end >= 0;
}

/** Where the space behind measurement and tags is; -1 for what is not plain. */
function endOfKey(bytes: Uint8Array, start: number): number {
  const first = (bytes[start] ?? 0) | 32;
  // Neither a comment nor anything else that means something at the start of a line.
  if (first < 97 || first > 122) return -1;
  let at = endOfName(bytes, start);
  let before = -1;
  while (bytes[at] === comma) {
    const tag = at + 1;
    const tagEnd = endOfName(bytes, tag);
    if (tagEnd === tag || bytes[tagEnd] !== equals) return -1;
    if (before >= 0 && !isBefore(bytes, before, tag)) return -1;
    at = endOfName(bytes, tagEnd + 1);
    if (at === tagEnd + 1) return -1;
    before = tag;
  }
  return bytes[at] === space ? at : -1;
}

/** Of two names, both with the equals sign that ends them: so that no tag is there twice. */
function isBefore(bytes: Uint8Array, left: number, right: number): boolean {
  let i = 0;
  while (bytes[left + i] === bytes[right + i] && bytes[left + i] !== equals) i++;
  const [a, b] = [bytes[left + i] ?? 0, bytes[right + i] ?? 0];
  return b !== equals && (a === equals || a < b);
}

function endOfFields(bytes: Uint8Array, start: number): number {
  for (let at = start; ; at++) {
    const nameEnd = endOfName(bytes, at);
    if (nameEnd === at || bytes[nameEnd] !== equals) return -1;
    at = endOfValue(bytes, nameEnd + 1);
    if (at < 0) return -1;
    if (bytes[at] === comma) continue;
    return at === bytes.length || bytes[at] === space || bytes[at] === newline ? at : -1;
  }
}

/** A number, a string or `t` and `f`. */
function endOfValue(bytes: Uint8Array, start: number): number {
  const first = bytes[start] ?? 0;
  if (first === quote) return endOfString(bytes, start + 1);
  if (first === 116 || first === 102) return start + 1;
  const digits = first === minus ? start + 1 : start;
  let at = endOfDigits(bytes, digits);
  if (at === digits || at - digits > numberBytesMax) return -1;
  if (bytes[at] === 105) return at + 1;
  if (bytes[at] !== point) return at;
  const part = at + 1;
  at = endOfDigits(bytes, part);
  return at === part || at - part > numberBytesMax ? -1 : at;
}

function endOfString(bytes: Uint8Array, start: number): number {
  for (let at = start; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === quote) return at + 1;
    if (byte === backslash || byte === newline) return -1;
  }
  return -1;
}

function endOfTime(bytes: Uint8Array, start: number, stepNs: number): number {
  const digits = bytes[start] === minus ? start + 1 : start;
  let steps = 0;
  let at = digits;
  for (let byte = bytes[at] ?? 0; byte >= 48 && byte <= 57; byte = bytes[++at] ?? 0)
    steps = steps * 10 + byte - 48;
  if (at === digits || at - digits > numberBytesMax + 1 || steps * stepNs > timeNsMax) return -1;
  return at === bytes.length || bytes[at] === newline ? at : -1;
}

function endOfName(bytes: Uint8Array, start: number): number {
  let at = start;
  while (nameBytes[bytes[at] ?? 0] === 1) at++;
  return at;
}

function endOfDigits(bytes: Uint8Array, start: number): number {
  let at = start;
  for (let byte = bytes[at] ?? 0; byte >= 48 && byte <= 57; byte = bytes[at] ?? 0) at++;
  return at;
}
