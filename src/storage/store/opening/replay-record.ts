import { decodePointBatch, headOfBatch } from '../../../models/point-batch.ts';
import { WalRecordKind, type WalRecord } from '../../wal/wal-record.ts';
import { decodeFieldTypes } from '../log/field-types-record.ts';
import { hasFailed, latestUpTo } from '../log/log-marks.ts';
import type { OpenShard } from '../shards/open-shards.ts';

const noRejects = new Uint8Array();

/**
 * Gives a shard what the log has of it, in the order of the log; what is in its files already is remembered, so that a batch that
 * comes late is held against it. The record's bytes are the caller's again then. Answers whether nobody can tell here of some of its values if they are
 * later than what was there. Throws `corrupt` for a record that is none, `cache_full` past the limit of the memory.
 */
export function replayRecord(open: OpenShard, record: WalRecord): boolean {
  if (record.sequence <= open.flushedSequence) {
    remember(open, record);
    return false;
  }
  let isUnclear = false;
  if (record.kind === WalRecordKind.types)
    open.shard.takeFieldTypes(decodeFieldTypes(record.payload));
  else if (record.kind === WalRecordKind.points)
    isUnclear = open.shard.replay(decodePointBatch(record.payload), rejectsOf(record));
  else return false;
  open.sequence = Math.max(open.sequence, record.sequence);
  open.appliedSequence = open.sequence;
  return isUnclear;
}

function remember(open: OpenShard, record: WalRecord): void {
  const { logMarks } = open.manifest.manifest;
  const { sequence, kind, payload } = record;
  if (logMarks === undefined || sequence <= logMarks.after) return;
  const isNext = sequence === open.flushedInLog.last + 1;
  open.flushedInLog = { first: isNext ? open.flushedInLog.first : sequence, last: sequence };
  const isTaken = kind === WalRecordKind.points && !hasFailed(logMarks, sequence);
  const head = isTaken ? headOfBatch(payload) : undefined;
  if (head !== undefined) open.shard.remember(head, rejectsOf(record));
  if (sequence !== open.flushedSequence) return;
  // All records from the first on are there, and what comes behind them is applied.
  const before = latestUpTo(logMarks, open.flushedInLog.first - 1);
  if (before !== undefined) open.shard.remembersSince(before);
}

/** They are remembered with the batch: a view would keep all that was read of the log in memory. */
function rejectsOf({ rejectBitmap }: WalRecord): Uint8Array {
  return rejectBitmap.length === 0 ? noRejects : rejectBitmap.slice();
}
