/**
 * Reads one segment front to back: records, and gaps between them.
 *
 * Invariants:
 * - A damaged payload costs its own record. Behind a damaged header the next header whose checksum holds is searched for,
 *   once over the bytes of the file.
 * - Nothing is judged here: whether a gap is a torn tail or damage depends on what later records vouch for.
 */
import { crc32 } from 'node:zlib';
import type { DiskFile } from '../../env/disk.ts';
import { SegmentBytes } from './segment-bytes.ts';
import {
  decodeRecordHeader,
  recordHeaderBytes,
  recordMagic,
  WalRecordKind,
  type WalRecord,
  type WalRecordHeader,
} from './wal-record.ts';

const recordKinds: Readonly<Record<number, WalRecordKind>> = Object.fromEntries(
  Object.values(WalRecordKind).map((kind) => [kind, kind]),
);

/** Bytes that are no record. */
export interface WalGap {
  readonly offset: number;
  readonly end: number;
  /** Of a record whose header is whole. */
  readonly header: WalRecordHeader | undefined;
  /** The disk failed to read some of it. */
  readonly isUnreadable: boolean;
  /** A record follows. */
  readonly isFollowed: boolean;
}

export interface SegmentVisitor {
  /** `offset` is that of the record. Voids are passed over. */
  onRecord(record: WalRecord, offset: number): Promise<void> | void;
  onGap(gap: WalGap): void;
}

export async function readSegment(
  file: DiskFile,
  salt: number,
  visitor: SegmentVisitor,
): Promise<void> {
  const bytes = new SegmentBytes(file);
  let offset = 0;
  while (offset < bytes.lengthBytes) {
    const head = bytes.atHand(offset, recordHeaderBytes) ?? (await bytes.at(offset, recordHeaderBytes)); // prettier-ignore
    const header = decodeRecordHeader(head, salt);
    const end = header === undefined ? Infinity : offset + lengthOf(header);
    if (header === undefined || end > bytes.lengthBytes) {
      const next = await findRecord(bytes, offset + 1, salt);
      const gapEnd = next ?? bytes.lengthBytes;
      const isUnreadable = bytes.isUnreadable(offset, gapEnd);
      visitor.onGap({ offset, end: gapEnd, header, isUnreadable, isFollowed: next !== undefined });
      offset = gapEnd;
      continue;
    }
    const bodyBytes = end - offset - recordHeaderBytes;
    const bodyAt = offset + recordHeaderBytes;
    const body = bytes.atHand(bodyAt, bodyBytes) ?? (await bytes.at(bodyAt, bodyBytes));
    const record = recordOf(header, body);
    if (record === undefined) {
      const isUnreadable = bytes.isUnreadable(offset, end);
      const isFollowed = end < bytes.lengthBytes;
      visitor.onGap({ offset, end, header, isUnreadable, isFollowed });
    } else if (record.kind !== WalRecordKind.void) {
      // Of a hundred thousand small ones each would wait for a turn of the promises.
      const taken = visitor.onRecord(record, offset);
      if (taken !== undefined) await taken;
    }
    offset = end;
  }
}

function lengthOf(header: WalRecordHeader): number {
  return recordHeaderBytes + header.bitmapBytes + header.payloadBytes;
}

/** The next offset at which a header is whole. */
async function findRecord(
  bytes: SegmentBytes,
  from: number,
  salt: number,
): Promise<number | undefined> {
  const magic = recordMagic(salt);
  for (let at = from; ; at++) {
    const found = await bytes.find(magic, at);
    if (found === undefined) return undefined;
    at = found;
    if (decodeRecordHeader(await bytes.at(at, recordHeaderBytes), salt) !== undefined) return at;
  }
}

/** Undefined when it is not what was written. */
function recordOf(header: WalRecordHeader, body: Uint8Array): WalRecord | undefined {
  const { codec, shardId, sequence, bitmapBytes } = header;
  const kind = recordKinds[header.kind];
  if (crc32(body) !== header.bodyCrc || kind === undefined) return undefined;
  const rejectBitmap = body.subarray(0, bitmapBytes);
  return { kind, codec, shardId, sequence, rejectBitmap, payload: body.subarray(bitmapBytes) };
}
