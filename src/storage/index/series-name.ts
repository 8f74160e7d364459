/** Parts of canonical series keys as bytes. */
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
