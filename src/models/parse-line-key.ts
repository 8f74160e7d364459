import { Byte, keyBytesMax, textOf, unescapeName, unescapeTag } from './line-bytes.ts';
import { compareTags, type Tag } from './series-key.ts';

export interface LineKey {
  readonly measurement: string;
  /** Sorted by key. */
  readonly tags: readonly Tag[];
  /** Position of the space behind the key. */
  readonly end: number;
}

/** Where a tag is in the line, and the reference's text when it is none. */
type TagPlace = { readonly tag: Tag; readonly end: number } | string;

/**
 * Reads measurement and tags from `start`, which is no white space, up to the space behind them. A separator counts
 * unless the byte before it is a backslash, also when that backslash is escaped itself: so the reference reads it.
 * Answers the reference's text for what is no key.
 */
export function parseLineKey(line: Uint8Array, start: number): LineKey | string {
  if (start >= line.length || line[start] === Byte.comma) return 'missing measurement';
  let measurementEnd = start + 1;
  while (measurementEnd < line.length && !isSeparator(line, measurementEnd)) measurementEnd++;
  if (measurementEnd >= line.length) return 'missing fields';
  const tags: Tag[] = [];
  let at = measurementEnd;
  while (line[at] === Byte.comma) {
    const place = readTag(line, at + 1);
    if (typeof place === 'string') return place;
    tags.push(place.tag);
    at = place.end;
  }
  tags.sort(compareTags);
  for (let i = 1; i < tags.length; i++) {
    if (tags[i]?.key === tags[i - 1]?.key) return 'duplicate tags';
  }
  if (at - start > keyBytesMax) return `max key length exceeded: ${at - start} > ${keyBytesMax}`;
  return { measurement: unescapeName(textOf(line, start, measurementEnd)), tags, end: at };
}

/** True for a comma or a space that no backslash stands before. */
function isSeparator(line: Uint8Array, at: number): boolean {
  return isSeparatorByte(line[at]) && line[at - 1] !== Byte.backslash;
}

function isSeparatorByte(byte: number | undefined): boolean {
  return byte === Byte.comma || byte === Byte.space;
}

/** The first byte of a key or a value has rules of its own: an equals sign may start a value. */
function readTag(line: Uint8Array, start: number): TagPlace {
  const first = line[start];
  if (first === undefined || isSeparatorByte(first) || first === Byte.equals)
    return 'missing tag key';
  let equals = start + 1;
  while (line[equals] !== Byte.equals || line[equals - 1] === Byte.backslash) {
    if (equals >= line.length || isSeparator(line, equals)) return 'missing tag value';
    equals++;
  }
  let end = equals + 1;
  if (end >= line.length || isSeparatorByte(line[end])) return 'missing tag value';
  for (end++; !isSeparator(line, end); end++) {
    if (end >= line.length) return 'missing fields';
    if (line[end] === Byte.equals && line[end - 1] !== Byte.backslash) return 'invalid tag format';
  }
  const key = unescapeTag(textOf(line, start, equals));
  return { tag: { key, value: unescapeTag(textOf(line, equals + 1, end)) }, end };
}
