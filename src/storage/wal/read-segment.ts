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
import { scanBytesMax, type RecordScan, type ScannedRecords } from '../../kernels/record-scan.ts';
import { SegmentBytes } from './segment-bytes.ts';
import {
  bodyCrcAt,
  decodeRecordHeader,
  recordForm,
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
  /** `offset` is that of the record, whose bytes hold until what it answers is done. Voids are passed over. */
  onRecord(record: WalRecord, offset: number): Promise<void> | void;
  onGap(gap: WalGap): void;
}

/** Who takes records many at a time; those that lie alone come by onRecord(). */
export interface ScanVisitor extends SegmentVisitor {
  readonly scan: RecordScan;
  /** Whole records from `offset` on, voids among them, until what it answers is done; the first `count` of them count. */
  onRecords(records: ScannedRecords, count: number, offset: number): Promise<void> | void;
}

export async function readSegment(
  file: DiskFile,
  salt: number,
  visitor: SegmentVisitor | ScanVisitor,
): Promise<void> {
  const bytes = new SegmentBytes(file);
  let offset = 0;
  while (offset < bytes.lengthBytes) {
    const passed = 'scan' in visitor ? await passWhole(bytes, offset, { salt, visitor }) : offset;
    offset = passed > offset ? passed : await passOne(bytes, offset, { salt, visitor });
  }
}

/** Passes whole records that lie side by side; answers where the first byte lies that is of none of them. */
async function passWhole(
  bytes: SegmentBytes,
  offset: number,
  { salt, visitor }: { readonly salt: number; readonly visitor: ScanVisitor },
): Promise<number> {
  const piece = await bytes.ahead(offset, { least: recordHeaderBytes, most: scanBytesMax });
  const records = visitor.scan.list(piece, recordForm(salt));
  const count = records.hasUnchecked ? wholeCount(records) : records.count;
  // Whoever takes them has the kernel do other work: a shard that is opened now reads its rows with it.
  const end = offset + records.offset(count);
  const taken = count === 0 ? undefined : visitor.onRecords(records, count, offset);
  if (taken !== undefined) await taken;
  return end;
}

/** Up to the first one whose body is not what was written. */
function wholeCount(records: ScannedRecords): number {
  for (let at = 0; at < records.count; at++) {
    if (!records.isUnchecked(at)) continue;
    const from = records.offset(at);
    const body = records.bytes.subarray(from + recordHeaderBytes, records.offset(at + 1));
    if (crc32(body) !== bodyCrcAt(records.bytes, from)) return at;
  }
  return records.count;
}

/** One of them by itself; its bytes hold as theirs do. */
export function scannedRecord(records: ScannedRecords, at: number): WalRecord {
  const bitmapAt = records.offset(at) + recordHeaderBytes;
  const payloadAt = bitmapAt + records.bitmapBytes(at);
  return {
    kind: records.kind(at) as WalRecordKind,
    codec: records.codec(at),
    shardId: records.shardId(at),
    sequence: records.sequence(at),
    rejectBitmap: records.bytes.subarray(bitmapAt, payloadAt),
    payload: records.bytes.subarray(payloadAt, payloadAt + records.payloadBytes(at)),
  };
}

/** Passes one record, or a gap up to the next. */
async function passOne(
  bytes: SegmentBytes,
  offset: number,
  { salt, visitor }: { readonly salt: number; readonly visitor: SegmentVisitor },
): Promise<number> {
  const head = bytes.atHand(offset, recordHeaderBytes) ?? (await bytes.at(offset, recordHeaderBytes)); // prettier-ignore
  const header = decodeRecordHeader(head, salt);
  const end = header === undefined ? Infinity : offset + lengthOf(header);
  if (header === undefined || end > bytes.lengthBytes) {
    const next = await findRecord(bytes, offset + 1, salt);
    const gapEnd = next ?? bytes.lengthBytes;
    const isUnreadable = bytes.isUnreadable(offset, gapEnd);
    visitor.onGap({ offset, end: gapEnd, header, isUnreadable, isFollowed: next !== undefined });
    return gapEnd;
  }
  const bodyAt = offset + recordHeaderBytes;
  const body = bytes.atHand(bodyAt, end - bodyAt) ?? (await bytes.at(bodyAt, end - bodyAt));
  const kind = recordKinds[header.kind];
  if (crc32(body) !== header.bodyCrc || kind === undefined) {
    const isUnreadable = bytes.isUnreadable(offset, end);
    visitor.onGap({ offset, end, header, isUnreadable, isFollowed: end < bytes.lengthBytes });
    return end;
  }
  if (kind === WalRecordKind.void) return end;
  const { codec, shardId, sequence, bitmapBytes } = header;
  const rejectBitmap = body.subarray(0, bitmapBytes);
  const payload = body.subarray(bitmapBytes);
  await visitor.onRecord({ kind, codec, shardId, sequence, rejectBitmap, payload }, offset);
  return end;
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
