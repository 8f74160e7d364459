/**
 * What follows from damage of the log: the shards that may lack records are marked, the bytes are kept as `.bad`, and a void
 * takes their place, so that each is dealt with once.
 *
 * Invariants:
 * - Judging changes nothing on the disk: workers that read one log side by side come to the same, and one of them settles.
 * - A mark is durable before the bytes that are the reason for it change.
 * - What the disk fails to read or to note stays as it is, is found again by the next run, and keeps its segment.
 * - At most `badFilesMax` files of cut bytes are kept, the latest ones.
 */
import { DbError, errorText, isDbError } from '../../../base/errors.ts';
import type { Disk, DiskFile } from '../../../env/disk.ts';
import type { Log } from '../../../env/log.ts';
import { encodeRecordHeader, recordHeaderBytes, WalRecordKind } from '../../wal/wal-record.ts';
import type { RecoveredWal, WalDamage } from '../../wal/wal-recovery.ts';
import { writeMark } from './damage-mark.ts';
import type { LogEnds } from './log-ends.ts';
import { folderOf, placesIn, type ShardPlace } from '../shards/open-shards.ts';
import { readManifest } from '../shards/shard-manifest.ts';

export interface LogDamagePorts {
  readonly disk: Disk;
  readonly log: Log;
}

export interface LogDamageResult {
  /** Shards of this node, at home anywhere, that may lack records, and why. */
  readonly lacking: ReadonlyMap<number, DbError>;
  /** Segments that have to stay. */
  readonly keptPaths: ReadonlySet<string>;
}

/** Damage, and what follows from it; nothing on the disk has changed for it. */
export interface JudgedDamage {
  readonly damage: readonly (WalDamage & { readonly places: readonly LackingPlace[] })[];
  readonly lacking: ReadonlyMap<number, DbError>;
}

interface LackingPlace extends ShardPlace {
  /** The disk failed to read what is in its files. */
  readonly isUnread: boolean;
}

export const badFilesMax = 64;
const badSuffix = '.bad';

/** `ends` says what the log had when it was closed, as far as that is known. */
export async function judgeLogDamage(
  { disk }: LogDamagePorts,
  { dataFolder, walFolder }: { readonly dataFolder: string; readonly walFolder: string },
  { damage: read, found, ends = new Map() }: RecoveredWal & { readonly ends?: LogEnds },
): Promise<JudgedDamage> {
  const lacking = new Map<number, DbError>();
  const short = greatestMissing(ends, found);
  const damage = short.size === 0 ? read : [...read, shortLog(walFolder, short)];
  // A torn tail, as each loss of power leaves one, asks for a look at no shard.
  const isMissed = damage.some(({ kind }) => kind !== 'torn');
  const flushed = isMissed ? [...(await flushedOfAll(disk, dataFolder))] : [];
  // What it does not read may be there the next time.
  const isBlind = read.some(({ kind }) => kind === 'unreadable');
  const judged = damage.flatMap((one) => {
    const places = flushed
      .filter(([{ shardId }, sequence]) => mayLack(one, { shardId, flushed: sequence ?? 0, found }))
      .map(([place, sequence]) => ({
        ...place,
        isUnread: sequence === undefined || (one.kind === 'short' && isBlind),
      }));
    // A segment that nobody misses was released.
    if ((one.kind === 'missing' || one.kind === 'short') && places.length === 0) return [];
    const error = new DbError('corrupt', reasonOf(one));
    for (const { shardId } of places) if (!lacking.has(shardId)) lacking.set(shardId, error);
    return [{ ...one, places }];
  });
  return { damage: judged, lacking };
}

/** Answers the segments that have to stay. */
export async function settleLogDamage(
  { disk, log }: LogDamagePorts,
  { dataFolder, walFolder }: { readonly dataFolder: string; readonly walFolder: string },
  { damage }: JudgedDamage,
): Promise<ReadonlySet<string>> {
  const keptPaths = new Set<string>();
  if (damage.length === 0) return keptPaths;
  for (const one of damage) {
    const { path, offset, lengthBytes, kind, places } = one;
    const shards = places.map(({ shardId }) => shardId);
    const write = kind === 'torn' ? log.warn.bind(log) : log.error.bind(log);
    write('Damaged bytes in the write-ahead log', { path, offset, bytes: lengthBytes, kind, shards: shards.join() }); // prettier-ignore
    const unread = places.find(({ isUnread }) => isUnread);
    try {
      if (kind === 'unreadable') throw new DbError('io_error', `${path}: unreadable at ${offset}`);
      // The next start may read what is in files, and find that nothing is missing.
      if (unread !== undefined) throw new DbError('io_error', `${folderOf(dataFolder, unread)}: unreadable`); // prettier-ignore
      for (const place of places) await writeMark(disk, folderOf(dataFolder, place), reasonOf(one));
      if (kind !== 'missing' && kind !== 'short') await setAside(disk, one);
    } catch (error) {
      // Another worker has released the segment since: nobody needs what it had.
      if (isDbError(error, 'not_found')) continue;
      if (!isDbError(error, 'io_error') && !isDbError(error, 'disk_full')) throw error;
      log.warn('Damage of the write-ahead log stays for the next start', { path, offset, error: errorText(error) }); // prettier-ignore
      keptPaths.add(path);
    }
  }
  await removeOldest(disk, walFolder);
  return keptPaths;
}

function reasonOf({ path, offset, kind }: WalDamage): string {
  if (kind === 'short') return `${path}: the last records of the shard are not in the log any more`;
  return `${path}: records of the shard may be lost at ${offset}`;
}

function mayLack(
  { path, offset, kind, sequences }: WalDamage,
  { shardId, flushed, found }: { readonly shardId: number; readonly flushed: number; readonly found: RecoveredWal['found'] }, // prettier-ignore
): boolean {
  if (sequences === undefined) return !found.provesWhole(shardId, flushed, path, offset);
  const last = sequences.get(shardId);
  if (last === undefined) return false;
  return kind === 'short' ? last > flushed : !found.hasAll(shardId, flushed, last);
}

/** By shard the greatest sequence of those that the log had and has not. */
function greatestMissing(ends: LogEnds, found: RecoveredWal['found']): ReadonlyMap<number, number> {
  const missing = new Map<number, number>();
  for (const [shardId, sequences] of ends) {
    const gone = sequences.filter((sequence) => !found.has(shardId, sequence));
    if (gone.length > 0) missing.set(shardId, Math.max(...gone));
  }
  return missing;
}

/** Of shards of which records are not in the log any more. */
function shortLog(walFolder: string, sequences: ReadonlyMap<number, number>): WalDamage {
  return { path: walFolder, offset: 0, lengthBytes: 0, kind: 'short', salt: 0, isTail: true, sequences }; // prettier-ignore
}

/**
 * Up to where the records of each shard are in files; undefined where the disk fails to read it. Of a shard whose manifest
 * is no manifest nothing is known to be in files: it is damaged by itself.
 */
async function flushedOfAll(
  disk: Disk,
  dataFolder: string,
): Promise<ReadonlyMap<ShardPlace, number | undefined>> {
  const flushed = new Map<ShardPlace, number | undefined>();
  for (const place of await placesIn(disk, dataFolder)) {
    try {
      flushed.set(place, (await readManifest(disk, folderOf(dataFolder, place))).flushedSequence);
    } catch (error) {
      if (!isDbError(error)) throw error;
      const isNone = isDbError(error, 'corrupt') || isDbError(error, 'unsupported_version');
      flushed.set(place, isNone ? 0 : undefined);
    }
  }
  return flushed;
}

/** Keeps the bytes under a name of their own; then a torn tail is cut, and a void takes the place of anything else. */
async function setAside(disk: Disk, damage: WalDamage): Promise<void> {
  const { path, offset, lengthBytes, kind, isTail } = damage;
  const file = await disk.open(path, 'open');
  try {
    const bytes = new Uint8Array(lengthBytes);
    const read = await file.readAt(offset, bytes);
    if (read > 0) await disk.replaceFile(badName(path, offset), bytes.subarray(0, read));
    if (kind === 'torn' && isTail) await file.truncate(offset);
    else await writeVoid(file, damage, bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function writeVoid(
  file: DiskFile,
  { path, offset, salt }: WalDamage,
  bytes: Uint8Array,
): Promise<void> {
  if (bytes.length < recordHeaderBytes)
    throw new DbError('io_error', `${path}: too few bytes for a void at ${offset}`);
  const payload = bytes.subarray(recordHeaderBytes);
  const rejectBitmap = new Uint8Array();
  const record = { kind: WalRecordKind.void, codec: 0, shardId: 0, sequence: 0, rejectBitmap, payload }; // prettier-ignore
  await file.writeAt(offset, encodeRecordHeader(record, salt));
  // Beyond its end where the segment was cut.
  if (offset + bytes.length > file.lengthBytes)
    await file.writeAt(offset + recordHeaderBytes, payload);
}

function badName(path: string, offset: number): string {
  return `${path}.${String(offset).padStart(10, '0')}${badSuffix}`;
}

async function removeOldest(disk: Disk, walFolder: string): Promise<void> {
  const bad = (await disk.list(walFolder)).filter(({ name }) => name.endsWith(badSuffix));
  for (const { name } of bad.slice(0, Math.max(0, bad.length - badFilesMax)))
    await disk.remove(`${walFolder}/${name}`);
}
