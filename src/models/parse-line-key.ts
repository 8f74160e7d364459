import { Byte, keyBytesMax, parseError, textOf, unescapeName } from './line-bytes.ts';
import { compareTags, type Tag } from './series-key.ts';

export interface LineKey {
  readonly measurement: string;
  /** Sorted by key. */
  readonly tags: readonly Tag[];
  /** Position of the space behind the key, or the end of the line. */
  readonly end: number;
}

/**
 * Reads measurement and tags from `start`. A separator counts unless the byte before it is a backslash, also when that
 * backslash is escaped itself: so the reference reads it. Throws `parse_error` with the reference's text.
 */
export function parseLineKey(line: Uint8Array, start: number): LineKey {
  const measurementEnd = endOfMeasurement(line, start);
  const tags: Tag[] = [];
  let at = measurementEnd;
  while (line[at] === Byte.comma) {
    const [tag, end] = readTag(line, at + 1);
    tags.push(tag);
    at = end;
  }
  tags.sort(compareTags);
  for (let i = 1; i < tags.length; i++) {
    if (tags[i]?.key === tags[i - 1]?.key) throw parseError('duplicate tags');
  }
  if (at - start > keyBytesMax) {
    throw parseError(`max key length exceeded: ${at - start} > ${keyBytesMax}`);
  }
  return { measurement: unescapeName(textOf(line, start, measurementEnd)), tags, end: at };
}

function endOfMeasurement(line: Uint8Array, start: number): number {
  if (line[start] === Byte.comma) throw parseError('missing measurement');
  let i = start;
  while (i < line.length && !(isSeparator(line[i]) && line[i - 1] !== Byte.backslash)) i++;
  return i;
}

function isSeparator(byte: number | undefined): boolean {
  return byte === Byte.comma || byte === Byte.space;
}

function readTag(line: Uint8Array, start: number): [Tag, number] {
  if (start >= line.length || isSeparator(line[start]) || line[start] === Byte.equals) {
    throw parseError('missing tag key');
  }
  let equals = start;
  for (; line[equals] !== Byte.equals || line[equals - 1] === Byte.backslash; equals++) {
    const ends = isSeparator(line[equals]) && line[equals - 1] !== Byte.backslash;
    if (ends || equals >= line.length) throw parseError('missing tag value');
  }
  let end = equals + 1;
  if (end >= line.length || isSeparator(line[end])) throw parseError('missing tag value');
  for (; end < line.length; end++) {
    if (line[end - 1] === Byte.backslash) continue;
    if (isSeparator(line[end])) break;
    if (line[end] === Byte.equals) throw parseError('invalid tag format');
  }
  const key = unescapeName(textOf(line, start, equals));
  return [{ key, value: unescapeName(textOf(line, equals + 1, end)) }, end];
}
