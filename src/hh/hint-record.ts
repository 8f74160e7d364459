/**
 * One hinted write: a header with a checksum of its own, then the point batch as its owner would have got it.
 *
 * Layout, little-endian:
 *
 *     0  u32  magic "VHR1" (the digit is the format version)
 *     4  u32  length of the payload
 *     8  i64  wall time of the node when it was queued, ns (hint-clock.ts)
 *    16  u32  CRC-32 of the payload      20  u32  CRC-32 of bytes 0..19
 *    24  payload
 *
 * Invariants:
 * - A header whose checksum holds gives the true length, so a damaged payload hides no record behind it.
 *
 * Not here: files (hint-queue.ts), what a payload means (models/point-batch.ts).
 */
import { crc32 } from 'node:zlib';

export const hintHeaderBytes = 24;
const hintMagic = 0x31524856;

export interface HintHeader {
  readonly payloadBytes: number;
  readonly queuedAtNs: bigint;
  readonly payloadCrc: number;
}

export function encodeHintHeader(payload: Uint8Array, queuedAtNs: bigint): Uint8Array {
  const bytes = new Uint8Array(hintHeaderBytes);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, hintMagic, true);
  view.setUint32(4, payload.length, true);
  view.setBigInt64(8, queuedAtNs, true);
  view.setUint32(16, crc32(payload), true);
  view.setUint32(20, crc32(bytes.subarray(0, 20)), true);
  return bytes;
}

/** The header at `offset`, or undefined when these are not the bytes of a whole one. */
export function decodeHintHeader(bytes: Uint8Array, offset: number): HintHeader | undefined {
  if (bytes.length - offset < hintHeaderBytes) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, hintHeaderBytes);
  if (view.getUint32(0, true) !== hintMagic) return undefined;
  if (view.getUint32(20, true) !== crc32(bytes.subarray(offset, offset + 20))) return undefined;
  return {
    payloadBytes: view.getUint32(4, true),
    queuedAtNs: view.getBigInt64(8, true),
    payloadCrc: view.getUint32(16, true),
  };
}
