/** Parts of canonical series keys as bytes. */
import { Buffer } from 'node:buffer';
import type { TextPile } from '../../base/text-pile.ts';

const comma = 0x2c;
const backslash = 0x5c;

/** How many bytes of a key are its measurement, as it is written there. */
export function measurementBytesOf(key: Uint8Array): number {
  let at = key.indexOf(comma);
  while (at > 0 && key[at - 1] === backslash) at = key.indexOf(comma, at + 1);
  return at < 0 ? key.length : at;
}

export function unescapedMeasurement(written: string): string {
  return written.includes('\\') ? written.replaceAll(/\\([, ])/g, '$1') : written;
}

/** Of keys and values of tags. */
export function unescapedTag(written: string): string {
  return written.includes('\\') ? written.replaceAll(/\\([, =])/g, '$1') : written;
}

/** Adds a key or a value of a tag to a pile, given as keys write it: bytes [start, end) of `bytes`. */
export function addWritten(pile: TextPile, bytes: Uint8Array, start: number, end: number): void {
  for (let i = start; i < end; i++) {
    if (bytes[i] !== backslash) continue;
    const written = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start);
    // Bytes that are no text stay what they are: latin1 has a character for each.
    const text = Buffer.from(unescapedTag(written.toString('latin1')), 'latin1');
    pile.add(text, 0, text.length);
    return;
  }
  pile.add(bytes, start, end);
}
