/**
 * The checksum of a message that a file holds: field 199 of type fixed32, written behind all others, where a reader of the
 * schema finds a field and this one the proof that the bytes before it are whole.
 */
import { crc32 } from 'node:zlib';

/** Field 199 of type fixed32, as a tag of two bytes. */
const checksumTag = [0xbd, 0x0c] as const;
const checksumBytes = checksumTag.length + 4;

export function sealed(bytes: Uint8Array): Uint8Array {
  const whole = new Uint8Array(bytes.length + checksumBytes);
  whole.set(bytes);
  whole.set(checksumTag, bytes.length);
  new DataView(whole.buffer).setUint32(whole.length - 4, crc32(bytes), true);
  return whole;
}

export function isSealed(bytes: Uint8Array): boolean {
  const start = bytes.length - checksumBytes;
  const { buffer, byteOffset, length } = bytes;
  if (start < 0 || !checksumTag.every((byte, i) => bytes[start + i] === byte)) return false;
  const view = new DataView(buffer, byteOffset, length);
  return view.getUint32(length - 4, true) === crc32(bytes.subarray(0, start));
}
