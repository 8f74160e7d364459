/**
 * Lines of OpenTSDB's telnet (spec F129): `put metric time value tag=value ...`, made to lines of line protocol byte by byte. What is
 * wrong is counted as the reference counts it, and where it stores a point all the same, at 1970 or under a name that is read back as
 * another, none is stored.
 */
import type { GrowingBytes } from '../../../base/growing-bytes.ts';
import { parseGoFloat } from '../../../base/go-float.ts';
import { Byte, isDigit, textOf } from '../../../models/line-bytes.ts';
import { canBegin, canStand, floatText, keyFault, PointFault, pushAscii, pushName, pushTagText } from '../point-line.ts'; // prettier-ignore
import { splitWords, type Words } from './split-words.ts';

/** The reference's names. */
export const telnetCounterNames = ['tlBadLine', 'tlBadTime', 'tlBadTag', 'tlBadFloat', 'droppedPointsInvalid'] as const; // prettier-ignore

export interface PutLineParts {
  /** Where lines go. */
  readonly lines: GrowingBytes;
  count(name: (typeof telnetCounterNames)[number]): void;
  /** What is wrong with the line, in the reference's words. */
  tell(message: string, field: string, text: string): void;
}

const secondsDigits = 10;
const millisecondsDigits = 13;
/** Of what is stored: minTimeNs and maxTimeNs. */
const secondsMax = 9_223_372_036;
/** More tags than this are looked up by their text. */
const tagsComparedMax = 16;
/** Of a text that is told. */
const toldBytesMax = 1_024;

/** Words of a line, used again for the next one. */
const words: Words = { starts: [], ends: [], count: 0 };

/** 'version' asks for it, 'point' was pushed, 'bad' was counted. */
export function readTelnetLine(
  bytes: Uint8Array,
  { start, end }: { readonly start: number; readonly end: number },
  parts: PutLineParts,
): 'version' | 'point' | 'bad' {
  splitWords(bytes, { start, end }, words);
  if (words.count === 1 && isWord(bytes, 0, 'version')) return 'version';
  if (words.count < 4 || !isWord(bytes, 0, 'put')) {
    parts.count('tlBadLine');
    parts.tell('Malformed line', 'line', textOf(bytes, start, Math.min(end, start + toldBytesMax)));
    return 'bad';
  }
  const time = timeOf(bytes, parts);
  if (time === undefined) return 'bad';
  const before = parts.lines.lengthBytes;
  const fault = pushKey(bytes, parts);
  const value = parseGoFloat(wordText(bytes, 3));
  if (fault !== undefined) {
    parts.lines.lengthBytes = before;
    parts.count('droppedPointsInvalid');
    parts.tell('Dropping point', 'name', wordText(bytes, 1));
    return 'bad';
  }
  const isKey = keyFault(parts.lines.lengthBytes - before, 'value'.length) === undefined;
  if (value === undefined || !isKey || time === 'beyond') {
    parts.lines.lengthBytes = before;
    parts.count('tlBadFloat');
    parts.tell('Bad float', 'value', wordText(bytes, 3));
    return 'bad';
  }
  pushAscii(parts.lines, ` value=${floatText(value)} ${time}\n`);
  return 'point';
}

/** In nanoseconds; 'beyond' what can be stored the reference takes for a bad number. */
function timeOf(bytes: Uint8Array, parts: PutLineParts): string | undefined {
  const start = words.starts[2] ?? 0;
  const length = (words.ends[2] ?? 0) - start;
  const isSigned = bytes[start] === Byte.minus || bytes[start] === Byte.plus;
  let isNumber = length > (isSigned ? 1 : 0);
  for (let i = isSigned ? 1 : 0; i < length; i++) isNumber &&= isDigit(bytes[start + i]);
  if (!isNumber) badTime(bytes, 'Malformed time', parts);
  const isLength = length === secondsDigits || length === millisecondsDigits;
  if (!isLength) badTime(bytes, 'Time must be 10 or 13 chars', parts);
  if (!isNumber || !isLength) return undefined;
  const number = Number(wordText(bytes, 2));
  if (length === secondsDigits)
    return Math.abs(number) > secondsMax ? 'beyond' : nanoseconds(number, 0);
  // The reference's reading of milliseconds: they are stored as microseconds of their second.
  const seconds = Math.trunc(number / 1_000);
  if (Math.abs(seconds) > secondsMax) return 'beyond';
  return nanoseconds(seconds, (number % 1_000) * 1_000);
}

function badTime(bytes: Uint8Array, message: string, parts: PutLineParts): void {
  parts.count('tlBadTime');
  parts.tell(message, 'time', wordText(bytes, 2));
}

function nanoseconds(seconds: number, restNs: number): string {
  return String(BigInt(seconds) * 1_000_000_000n + BigInt(restNs));
}

/** Metric and tags; what cannot be written as a line is a fault. Of two tags with a key the last one counts. */
function pushKey(bytes: Uint8Array, parts: PutLineParts): string | undefined {
  const { lines } = parts;
  const [start = 0, end = 0] = [words.starts[1], words.ends[1]];
  let isGood = canBegin(bytes, start, end) && canStand(bytes, start, end);
  pushName(lines, bytes, start, end);
  const lastOf = words.count - 4 > tagsComparedMax ? lastTags(bytes) : undefined;
  for (let word = 4; word < words.count; word++) {
    const [tagStart = 0, tagEnd = 0] = [words.starts[word], words.ends[word]];
    const equals = equalsOf(bytes, tagStart, tagEnd);
    if (equals <= tagStart || equals >= tagEnd - 1) {
      parts.count('tlBadTag');
      parts.tell('Malformed tag data', 'tag', wordText(bytes, word));
      continue;
    }
    const isLast = lastOf === undefined ? !isRepeated(bytes, word, equals) : lastOf.get(textOf(bytes, tagStart, equals)) === word; // prettier-ignore
    if (!isLast) continue;
    isGood &&= canStand(bytes, tagStart, equals) && canStand(bytes, equals + 1, tagEnd);
    lines.u8(Byte.comma);
    pushTagText(lines, bytes, tagStart, equals);
    lines.u8(Byte.equals);
    pushTagText(lines, bytes, equals + 1, tagEnd);
  }
  return isGood ? undefined : PointFault.name;
}

/** The word of the last tag of each key. */
function lastTags(bytes: Uint8Array): ReadonlyMap<string, number> {
  const lastOf = new Map<string, number>();
  for (let word = 4; word < words.count; word++) {
    const [start = 0, end = 0] = [words.starts[word], words.ends[word]];
    const equals = equalsOf(bytes, start, end);
    if (equals > start && equals < end - 1) lastOf.set(textOf(bytes, start, equals), word);
  }
  return lastOf;
}

/** Whether a later word is a tag of the same key. */
function isRepeated(bytes: Uint8Array, word: number, equals: number): boolean {
  const start = words.starts[word] ?? 0;
  for (let later = word + 1; later < words.count; later++) {
    const [laterStart = 0, laterEnd = 0] = [words.starts[later], words.ends[later]];
    const length = equals - start + 1;
    // With a value behind the equals sign.
    if (laterEnd - laterStart <= length) continue;
    let same = 0;
    while (same < length && bytes[start + same] === bytes[laterStart + same]) same++;
    if (same === length) return true;
  }
  return false;
}

function equalsOf(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && bytes[at] !== Byte.equals) at++;
  return at;
}

function isWord(bytes: Uint8Array, word: number, text: string): boolean {
  return wordText(bytes, word) === text;
}

function wordText(bytes: Uint8Array, word: number): string {
  const [start = 0, end = 0] = [words.starts[word], words.ends[word]];
  return textOf(bytes, start, Math.min(end, start + toldBytesMax));
}
