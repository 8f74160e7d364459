/**
 * Texts that may hold any bytes, as values of string fields do (spec 4.2: they are stored and given back as they came). A
 * byte that is no part of UTF-8 is a lone surrogate U+DC00 + byte in the text, which UTF-8 itself can never give.
 */
const decoder = new TextDecoder('utf-8', { ignoreBOM: true, fatal: true });
const encoder = new TextEncoder();

/** The text of bytes, of which exactBytesOf() gives all back. */
export function exactTextOf(bytes: Uint8Array): string {
  const whole = decode(bytes);
  if (whole !== undefined) return whole;
  let text = '';
  for (let at = 0; at < bytes.length;) {
    const character = bytes.subarray(at, at + characterBytes(bytes[at] ?? 0));
    const decoded = decode(character);
    text += decoded ?? String.fromCharCode(0xdc00 + (bytes[at] ?? 0));
    at += decoded === undefined ? 1 : character.length;
  }
  return text;
}

export function exactBytesOf(text: string): Uint8Array {
  const parts = text.split(/([\udc80-\udcff])/u);
  if (parts.length === 1) return encoder.encode(text);
  // Every second part is one of the bytes.
  return Uint8Array.from(
    parts.flatMap((part, i) =>
      i % 2 === 1 ? part.charCodeAt(0) - 0xdc00 : [...encoder.encode(part)],
    ),
  );
}

function decode(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

/** How long a character is that starts with this byte. */
function characterBytes(first: number): number {
  if (first < 0xc0) return 1;
  if (first < 0xe0) return 2;
  return first < 0xf0 ? 3 : 4;
}
