/**
 * Reads the segments that earlier runs left, in the order of run, worker and segment.
 *
 * Invariants:
 * - Every record whose sync was acknowledged is handed out, unless its bytes have changed since; damage is reported with
 *   file and offset and never handed out.
 * - A damaged payload costs its own record. Behind a damaged header nothing can be trusted: the rest of that file is a
 *   torn tail, reported and cut off.
 * - A segment that goes while the folder is read is passed over: workers that opened before may release theirs, and
 *   what they release nobody needs.
 *
 * Not here: which shard's home takes a record.
 */
import { crc32 } from 'node:zlib';
import { isDbError } from '../../base/errors.ts';
import type { Disk, DiskFile } from '../../env/disk.ts';
import {
  decodeRecordHeader,
  recordHeaderBytes,
  type WalRecord,
  type WalRecordHeader,
  WalRecordKind,
} from './wal-record.ts';

export interface WalDamage {
  readonly path: string;
  readonly offset: number;
  readonly lengthBytes: number;
  readonly kind: 'torn_tail' | 'corrupt_record';
}

export interface WalVisitor {
  onRecord(record: WalRecord): Promise<void> | void;
  onDamage(damage: WalDamage): void;
  /** Told after the records of a segment, with the last sequence in it of each shard. */
  onSegment?(path: string, sequences: ReadonlyMap<number, number>): void;
}

const namePattern = /^\d{10}-\d{3}-\d{10}\.wal$/;

/** Visits all records under `folder`; returns the highest run number seen, 0 when there is none. */
export async function recoverWal(disk: Disk, folder: string, visitor: WalVisitor): Promise<number> {
  let run = 0;
  for (const { name } of await disk.list(folder)) {
    if (!namePattern.test(name)) continue;
    run = Math.max(run, Number(name.slice(0, 10)));
    const file = await openPresent(disk, `${folder}/${name}`);
    if (file === undefined) continue;
    const sequences = new Map<number, number>();
    try {
      await recoverSegment(file, {
        onDamage: (damage) => {
          visitor.onDamage(damage);
        },
        onRecord: (record) => {
          const { shardId, sequence } = record;
          sequences.set(shardId, Math.max(sequence, sequences.get(shardId) ?? 0));
          return visitor.onRecord(record);
        },
      });
      visitor.onSegment?.(file.path, sequences);
    } finally {
      await file.close();
    }
  }
  return run;
}

async function openPresent(disk: Disk, path: string): Promise<DiskFile | undefined> {
  try {
    return await disk.open(path, 'open');
  } catch (error) {
    if (isDbError(error, 'not_found')) return undefined;
    throw error;
  }
}

async function recoverSegment(file: DiskFile, visitor: WalVisitor): Promise<void> {
  const headerBytes = new Uint8Array(recordHeaderBytes);
  let offset = 0;
  while (offset < file.lengthBytes) {
    const read = await file.readAt(offset, headerBytes);
    const header = decodeRecordHeader(headerBytes.subarray(0, read));
    const lengthBytes = header === undefined ? 0 : lengthOf(header);
    if (header === undefined || offset + lengthBytes > file.lengthBytes) {
      await cutTail(file, offset, visitor);
      return;
    }
    const record = await readRecord(file, offset, header);
    if (record === undefined) {
      visitor.onDamage({ path: file.path, offset, lengthBytes, kind: 'corrupt_record' });
    } else {
      await visitor.onRecord(record);
    }
    offset += lengthBytes;
  }
}

function lengthOf(header: WalRecordHeader): number {
  return recordHeaderBytes + header.bitmapBytes + header.payloadBytes;
}

async function cutTail(file: DiskFile, offset: number, visitor: WalVisitor): Promise<void> {
  const lengthBytes = file.lengthBytes - offset;
  visitor.onDamage({ path: file.path, offset, lengthBytes, kind: 'torn_tail' });
  await file.truncate(offset);
  await file.sync();
}

async function readRecord(
  file: DiskFile,
  offset: number,
  header: WalRecordHeader,
): Promise<WalRecord | undefined> {
  const body = new Uint8Array(header.bitmapBytes + header.payloadBytes);
  await file.readAt(offset + recordHeaderBytes, body);
  const kind = Object.values(WalRecordKind).find((value) => value === header.kind);
  if (crc32(body) !== header.bodyCrc || kind === undefined) return undefined;
  const { codec, shardId, sequence, bitmapBytes } = header;
  const rejectBitmap = body.subarray(0, bitmapBytes);
  return { kind, codec, shardId, sequence, rejectBitmap, payload: body.subarray(bitmapBytes) };
}
