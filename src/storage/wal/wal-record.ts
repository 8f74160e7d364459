/**
 * One record of the write-ahead log: a header with a checksum of its own, the reject bitmap, the payload as it came.
 *
 * Layout, little-endian:
 *
 *     0  u32  magic "VWR2" (the digit is the format version)
 *     4  u8   kind (1 points, 2 delete, 3 vouch, 4 void, 5 types)      5  u8  codec (0 plain)      6  u16  zero
 *     8  u64  shard id
 *    16  u64  sequence within the shard
 *    24  u32  length of the reject bitmap    28  u32  length of the payload
 *    32  u32  CRC-32 of bitmap and payload   36  u32  CRC-32 of bytes 0..35, begun with the segment's salt
 *    40  bitmap, payload
 *
 * Invariants:
 * - A header whose checksum holds gives the true lengths, so a damaged payload hides no record behind it.
 * - The salt is drawn for each run and is in the segment's name: bytes that a client has sent as a value never pass for a
 *   record where one is searched for.
 * - A void stands where damaged bytes were, once what they were has been dealt with.
 * - Version 1, whose checksums had no salt, is read in segments without one, and never written.
 * - Row r of the payload was refused by its owner when bit r of the bitmap is set; an empty bitmap refuses none.
 *
 * Not here: what a payload means, when records are synced.
 */
import { assert } from '../../base/assert.ts';
import type { RecordForm } from '../../kernels/record-scan.ts';
import { crc32 } from 'node:zlib';

export const recordHeaderBytes = 40;
const magic = 0x32525756;
const firstVersionMagic = 0x31525756;

/** Of a segment of the first version of the format. */
export const noSalt = -1;

export const WalRecordKind = { points: 1, delete: 2, vouch: 3, void: 4, types: 5 } as const;
export type WalRecordKind = (typeof WalRecordKind)[keyof typeof WalRecordKind];

export interface WalRecord {
  readonly kind: WalRecordKind;
  readonly codec: number;
  readonly shardId: number;
  readonly sequence: number;
  readonly rejectBitmap: Uint8Array;
  readonly payload: Uint8Array;
}

export interface WalRecordHeader {
  readonly kind: number;
  readonly codec: number;
  readonly shardId: number;
  readonly sequence: number;
  readonly bitmapBytes: number;
  readonly payloadBytes: number;
  readonly bodyCrc: number;
}

/** The header's bytes; the record on disk is these, the bitmap and the payload. */
export function encodeRecordHeader(record: WalRecord, salt: number): Uint8Array {
  assert(Number.isSafeInteger(record.shardId), 'shard id is a safe integer');
  assert(Number.isSafeInteger(record.sequence), 'sequence is a safe integer');
  const bytes = new Uint8Array(recordHeaderBytes);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, magic, true);
  putHeaderFields(view, record);
  view.setUint32(32, crc32(record.payload, crc32(record.rejectBitmap)), true);
  view.setUint32(36, crc32(bytes.subarray(0, 36), salt), true);
  return bytes;
}

/** The first bytes of each record of a segment. */
export function recordMagic(salt: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, recordForm(salt).magic, true);
  return bytes;
}

/** How records of a segment begin, and what the checksums of their headers begin with. */
export function recordForm(salt: number): RecordForm {
  return salt === noSalt ? { magic: firstVersionMagic, salt: 0 } : { magic, salt };
}

/** The header at the start of `bytes`, or undefined when these are not the bytes of a whole one. */
export function decodeRecordHeader(bytes: Uint8Array, salt: number): WalRecordHeader | undefined {
  if (bytes.length < recordHeaderBytes) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, recordHeaderBytes);
  const form = recordForm(salt);
  if (view.getUint32(0, true) !== form.magic) return undefined;
  if (view.getUint32(36, true) !== crc32(bytes.subarray(0, 36), form.salt)) return undefined;
  return { ...headerFields(bytes, 0), bodyCrc: bodyCrcAt(bytes, 0) };
}

/** What a header says, but for its checksums. */
export function headerFields(bytes: Uint8Array, at: number): Omit<WalRecordHeader, 'bodyCrc'> {
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, recordHeaderBytes);
  return {
    kind: view.getUint8(4),
    codec: view.getUint8(5),
    shardId: safeInteger(view, 8),
    sequence: safeInteger(view, 16),
    bitmapBytes: view.getUint32(24, true),
    payloadBytes: view.getUint32(28, true),
  };
}

/** Writes the same, at the start of `view`. */
export function putHeaderFields(view: DataView, record: WalRecord): void {
  view.setUint8(4, record.kind);
  view.setUint8(5, record.codec);
  view.setBigUint64(8, BigInt(record.shardId), true);
  view.setBigUint64(16, BigInt(record.sequence), true);
  view.setUint32(24, record.rejectBitmap.length, true);
  view.setUint32(28, record.payload.length, true);
}

/** What the header of a record says that is the checksum of its body. */
export function bodyCrcAt(bytes: Uint8Array, offset: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset + offset).getUint32(32, true);
}

/** A u64 of which the writer has made sure that a number holds it. */
function safeInteger(view: DataView, at: number): number {
  return view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32;
}
