/**
 * Texts that may hold any bytes, as names and values of string fields do (spec 4.2: they are stored and given back as they came). A
 * byte that is no part of UTF-8 is a lone surrogate U+DC00 + byte in the text, which UTF-8 itself can never give. So two texts are
 * the same where their bytes are, and all bytes come back (decision 132).
 *
 * Only bytes become such texts: what a client says in JSON or as a statement has its lone surrogates replaced where it comes in.
 */
import { Buffer } from 'node:buffer';

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const encoder = new TextEncoder();

/** What a decoder gives for bytes that are no UTF-8, but also for a character that came as such. */
const replacement = '\ufffd';

/** The text of bytes, of which exactBytesOf() gives all back. */
export function exactTextOf(bytes: Uint8Array): string {
  const text = decoder.decode(bytes);
  return text.includes(replacement) ? withEachByte(bytes) : text;
}

/** The same of bytes [start, end) of a Buffer: for short texts, for which a decoder takes longer than all the rest. */
export function exactTextIn(bytes: Buffer, start = 0, end = bytes.length): string {
  const text = bytes.toString('utf8', start, end);
  return text.includes(replacement) ? withEachByte(bytes.subarray(start, end)) : text;
}

export function exactBytesOf(text: string): Uint8Array {
  if (text.isWellFormed()) return encoder.encode(text);
  // Every second part is one of the bytes.
  const parts = text.split(/([\udc80-\udcff])/u);
  return new Uint8Array(
    Buffer.concat(
      parts.map((part, i) =>
        i % 2 === 1 ? Uint8Array.of(part.charCodeAt(0) - 0xdc00) : encoder.encode(part),
      ),
    ),
  );
}

/** How many bytes exactBytesOf() would give. */
export function exactLengthOf(text: string): number {
  return text.isWellFormed() ? Buffer.byteLength(text) : exactBytesOf(text).length;
}

function withEachByte(bytes: Uint8Array): string {
  let text = '';
  let clean = 0;
  for (let at = 0; at < bytes.length;) {
    const length = characterBytes(bytes, at);
    if (length > 0) {
      at += length;
      continue;
    }
    if (at > clean) text += decoder.decode(bytes.subarray(clean, at));
    text += String.fromCharCode(0xdc00 + (bytes[at] ?? 0));
    clean = ++at;
  }
  return clean < bytes.length ? text + decoder.decode(bytes.subarray(clean)) : text;
}

/** How long the character is that starts here; 0 where none does (Unicode 15, table 3-7). */
function characterBytes(bytes: Uint8Array, at: number): number {
  const first = bytes[at] ?? 0;
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4) return 0;
  const second = bytes[at + 1] ?? 0;
  if (second < leastSecond(first) || second > greatestSecond(first)) return 0;
  if (first < 0xe0) return 2;
  if (!continues(bytes[at + 2])) return 0;
  if (first < 0xf0) return 3;
  return continues(bytes[at + 3]) ? 4 : 0;
}

/** Shorter spellings of a character are no UTF-8. */
function leastSecond(first: number): number {
  if (first === 0xe0) return 0xa0;
  return first === 0xf0 ? 0x90 : 0x80;
}

/** Neither are surrogates, nor what is beyond U+10FFFF. */
function greatestSecond(first: number): number {
  if (first === 0xed) return 0x9f;
  return first === 0xf4 ? 0x8f : 0xbf;
}

function continues(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}
