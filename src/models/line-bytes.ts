import { exactTextOf } from '../base/exact-text.ts';
/** Bytes that mean something in line protocol (spec 4.2). */
export const Byte = {
  nul: 0,
  tab: 9,
  newline: 10,
  space: 32,
  quote: 34,
  hash: 35,
  plus: 43,
  comma: 44,
  minus: 45,
  dot: 46,
  zero: 48,
  nine: 57,
  equals: 61,
  upperE: 69,
  upperN: 78,
  backslash: 92,
  lowerE: 101,
  lowerI: 105,
  lowerN: 110,
} as const;

/** The longest key the storage takes: that of the series, and that with a field (spec F51). */
export const keyBytesMax = 65_535;

/** Longer texts are worth a call of the decoder. */
const shortTextBytes = 24;

/** The text of bytes [start, end). */
export function textOf(line: Uint8Array, start: number, end: number): string {
  if (end - start > shortTextBytes) return exactTextOf(line.subarray(start, end));
  let text = '';
  for (let i = start; i < end; i++) {
    const byte = line[i] ?? 0;
    if (byte >= 0x80) return exactTextOf(line.subarray(start, end));
    text += String.fromCharCode(byte);
  }
  return text;
}

/** The first position from `at` on that is not a space, tab or NUL. */
export function skipSpace(line: Uint8Array, at: number): number {
  let i = at;
  while (line[i] === Byte.space || line[i] === Byte.tab || line[i] === Byte.nul) i++;
  return i;
}

export function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= Byte.zero && byte <= Byte.nine;
}

/** A backslash makes a comma, space or equals sign part of a tag; before anything else it stands for itself. */
export function unescapeTag(text: string): string {
  return text.includes('\\') ? text.replaceAll(/\\([, =])/g, '$1') : text;
}

/** In the name of a measurement or a field a backslash hides a quote too. */
export function unescapeName(text: string): string {
  return text.includes('\\') ? text.replaceAll(/\\([," =])/g, '$1') : text;
}
