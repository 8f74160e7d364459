/**
 * `shard.json` in a shard's folder: which records of the log its files hold, and what its files were when they were
 * written. One line of JSON whose last member is the CRC-32 of all before it; see docs/internals/format/shard.md.
 *
 * Invariants:
 * - What is read is what was written, to the byte, or `corrupt`: a wrong sequence would skip records of the log or take
 *   them twice, a wrong seal would hide damage of a file.
 * - Version 1, which had neither files nor checksum, is read and never written.
 *
 * Not here: what follows from damage; see open-shards.ts.
 */
import { crc32 } from 'node:zlib';
import { DbError, isDbError } from '../../../base/errors.ts';
import type { Disk } from '../../../env/disk.ts';
import type { StampRange } from '../../../models/stamp.ts';
import { segmentNumberOf, segmentSuffix, type SegmentSeal } from '../../index/segment-format.ts';
import { pendingOf, pendingText, type PendingDelete } from '../deletes/pending-delete.ts';
import { deletesOf, deleteText, type StoredDelete } from '../deletes/stored-deletes.ts';
import { marksText, readMarks, type LogMarks } from '../log/log-marks.ts';
import type { TombstoneSeal, TsmSeal } from '../../tsm/tsm-seal.ts';
import { tsmNameOf } from '../../tsm/tsm-format.ts';

export interface ShardManifest {
  /** All records of the shard up to this sequence are in files. */
  readonly flushedSequence: number;
  /** By file name. A file that is not named here has come by another way, and is taken as it is. */
  readonly files: ReadonlyMap<string, TsmSeal>;
  /** Files whose points are in other ones by now: to be removed, and never to be read again. */
  readonly gone?: readonly string[] | undefined;
  /** Deletes that what comes late is held against, by stamp. Absent: there are none. */
  readonly deletes?: readonly StoredDelete[] | undefined;
  /** One that is under way, or was cut off by a crash. */
  readonly pendingDelete?: PendingDelete | undefined;
  /** Of the index, by name, oldest first; they have the series of all files above. Absent: there are none. */
  readonly segments?: ReadonlyMap<string, SegmentSeal> | undefined;
  /** Of a shard that is, or was, brought here by a copy (install-shard.ts). */
  readonly copy?: ManifestCopy | undefined;
  /** Of its records of the log; absent until the first flush. */
  readonly logMarks?: LogMarks | undefined;
}

export interface ManifestCopy {
  /** Names the copy: of the catalog that it began with. */
  readonly index: number;
  /** What the source had is here: until then nobody reads the shard. */
  readonly isWhole: boolean;
}

interface ManifestSegment extends SegmentSeal {
  readonly name: string;
}

interface ManifestFile extends Omit<TsmSeal, 'stamps'> {
  readonly name: string;
  readonly stamps?: StampsText;
}

/** Least and greatest, as decimal numbers of 128 bits. */
type StampsText = readonly [least: string, greatest: string];

export const manifestName = 'shard.json';
const version = 2;
const sealedPattern = /^(\{.*),"crc32":"([0-9a-f]{8})"\}\n$/s;
const firstVersionPattern = /^\{"version":1,"flushedSequence":(\d{1,15})\}\n$/;

/** Throws `corrupt` or `unsupported_version` with the path. A shard that was never flushed has none. */
export async function readManifest(disk: Disk, folder: string): Promise<ShardManifest> {
  const path = `${folder}/${manifestName}`;
  try {
    return decodeManifest(path, await disk.readFile(path));
  } catch (error) {
    if (!isDbError(error, 'not_found')) throw error;
    if (await hasLost(disk, folder)) throw new DbError('corrupt', `${path}: the file is gone`);
    return { flushedSequence: 0, files: new Map() };
  }
}

/**
 * Whether a shard without a manifest has had one: it says what is deleted before the first tombstone does. What the log has still would
 * bring that back. Of tombstones that came with files of InfluxDB nothing is said, which has no such index.
 */
async function hasLost(disk: Disk, folder: string): Promise<boolean> {
  const names = (await disk.list(folder)).map(({ name }) => name);
  const has = (suffix: string): boolean => names.some((name) => name.endsWith(suffix));
  return has('.tombstone') && has(segmentSuffix);
}

export async function writeManifest(
  disk: Disk,
  folder: string,
  manifest: ShardManifest,
): Promise<void> {
  await disk.replaceFile(`${folder}/${manifestName}`, encodeManifest(manifest));
}

export function encodeManifest({
  flushedSequence,
  files,
  gone = [],
  deletes = [],
  pendingDelete,
  segments,
  copy,
  logMarks,
}: ShardManifest): Uint8Array {
  // prettier-ignore
  const list = [...files].map(([name, { lengthBytes, indexBytes, indexCrc32, directoryCrc32, stamps, wholeRows, tombstones }]) => ({ name, lengthBytes, indexBytes, indexCrc32, directoryCrc32, ...(stamps !== undefined && { stamps: stampsText(stamps) }), wholeRows, tombstones })); // prettier-ignore
  const indexed = [...(segments ?? [])].map(([name, { lengthBytes, footerCrc32 }]) => ({ name, lengthBytes, footerCrc32 })); // prettier-ignore
  const parts = {
    ...(gone.length > 0 && { gone }),
    ...(deletes.length > 0 && { deletes: deletes.map(deleteText) }),
    ...(pendingDelete !== undefined && { pendingDelete: pendingText(pendingDelete) }),
    ...(indexed.length > 0 && { segments: indexed }),
    ...(copy !== undefined && { copy }),
    ...(logMarks !== undefined && { logMarks: marksText(logMarks) }),
  };
  const body = JSON.stringify({ version, flushedSequence, files: list, ...parts }).slice(0, -1);
  return new TextEncoder().encode(`${body},"crc32":"${checksum(body)}"}\n`);
}

export function decodeManifest(path: string, bytes: Uint8Array): ShardManifest {
  const corrupt = (what: string) => new DbError('corrupt', `${path}: ${what}`);
  // Latin-1 keeps every byte apart, and what is written is ASCII.
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
  const first = firstVersionPattern.exec(text);
  if (first !== null) return { flushedSequence: Number(first[1]), files: new Map() };
  const [, body = '', sum] = sealedPattern.exec(text) ?? [];
  if (sum === undefined || sum !== checksum(body)) throw corrupt('the checksum does not match');
  const manifest = parseBody(body);
  if (manifest === undefined) throw corrupt('no JSON object');
  if (manifest['version'] !== version)
    throw new DbError('unsupported_version', `${path}: version ${String(manifest['version'])}`);
  const { flushedSequence, files, gone = [], deletes = [], segments = [], copy, pendingDelete, logMarks } = manifest; // prettier-ignore
  if (!isCount(flushedSequence)) throw corrupt('flushedSequence is no count');
  if (!Array.isArray(files) || !files.every(isManifestFile)) throw corrupt('files are not a list of files'); // prettier-ignore
  if (
    !Array.isArray(gone) ||
    !gone.every((name) => typeof name === 'string' && tsmNameOf(name) !== undefined)
  )
    throw corrupt('gone is not a list of files');
  const seals = files.map(({ name, stamps, ...seal }): [string, TsmSeal] => [name, { ...seal, ...(stamps !== undefined && { stamps: stampsOf(stamps) }) }]); // prettier-ignore
  if (!Array.isArray(segments) || !segments.every(isManifestSegment)) throw corrupt('segments are not a list of segments'); // prettier-ignore
  const struck = deletesOf(deletes);
  if (struck === undefined) throw corrupt('deletes are not a list of deletes');
  const pending = pendingDelete === undefined ? undefined : pendingOf(pendingDelete);
  if (pendingDelete !== undefined && pending === undefined) throw corrupt('pendingDelete is no delete'); // prettier-ignore
  const indexed = segments.map(({ name, ...seal }): [string, SegmentSeal] => [name, seal]);
  if (copy !== undefined && !isManifestCopy(copy)) throw corrupt('copy is not the state of one');
  const marks = readMarks(logMarks);
  if (logMarks !== undefined && marks === undefined)
    throw corrupt('logMarks are no marks of the log');
  return {
    flushedSequence,
    files: new Map(seals),
    ...(gone.length > 0 && { gone: gone as readonly string[] }),
    ...(struck.length > 0 && { deletes: struck }),
    ...(pending !== undefined && { pendingDelete: pending }),
    ...(indexed.length > 0 && { segments: new Map(indexed) }),
    ...(copy !== undefined && { copy }),
    ...(marks !== undefined && { logMarks: marks }),
  };
}

function checksum(body: string): string {
  return crc32(body).toString(16).padStart(8, '0');
}

function parseBody(body: string): Readonly<Record<string, unknown>> | undefined {
  try {
    return JSON.parse(`${body}}`) as Readonly<Record<string, unknown>>;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function isManifestFile(value: unknown): value is ManifestFile {
  if (typeof value !== 'object' || value === null) return false;
  const { name, lengthBytes, indexBytes, indexCrc32, directoryCrc32 = 0, stamps, wholeRows = 0, tombstones } = value as Partial<ManifestFile>; // prettier-ignore
  const counts = [lengthBytes, indexBytes, indexCrc32, directoryCrc32, wholeRows];
  if (stamps !== undefined && !isStamps(stamps)) return false;
  if (tombstones !== undefined && !isTombstoneSeal(tombstones)) return false;
  return typeof name === 'string' && counts.every(isCount);
}

function isTombstoneSeal(value: unknown): value is TombstoneSeal {
  if (typeof value !== 'object' || value === null) return false;
  const { lengthBytes, crc32: sum } = value as Partial<TombstoneSeal>;
  return isCount(lengthBytes) && isCount(sum);
}

function stampsText({ least, greatest }: StampRange): StampsText {
  return [String(least), String(greatest)];
}

function stampsOf([least, greatest]: StampsText): StampRange {
  return { least: BigInt(least), greatest: BigInt(greatest) };
}

function isStamps(value: unknown): value is StampsText {
  const isNumber = (text: unknown): boolean =>
    typeof text === 'string' && /^-?\d{1,40}$/.test(text);
  return Array.isArray(value) && value.length === 2 && value.every(isNumber);
}

function isManifestSegment(value: unknown): value is ManifestSegment {
  if (typeof value !== 'object' || value === null) return false;
  const { name, lengthBytes, footerCrc32 } = value as Partial<ManifestSegment>;
  const isName = typeof name === 'string' && segmentNumberOf(name) !== undefined;
  return isName && [lengthBytes, footerCrc32].every(isCount);
}

function isManifestCopy(value: unknown): value is ManifestCopy {
  if (typeof value !== 'object' || value === null) return false;
  const { index, isWhole } = value as Partial<ManifestCopy>;
  return isCount(index) && typeof isWhole === 'boolean';
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

interface HeldFile {
  readonly path: string;
  readonly seal: TsmSeal;
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** Listed files of which more is deleted than their manifest says: by a delete, or by a release that did not say it. */
export function outdatedSeals(
  { files }: ShardManifest,
  held: readonly HeldFile[],
): readonly (readonly [string, TsmSeal])[] {
  return held.flatMap(({ path, seal }) => {
    const name = nameOf(path);
    const listed = files.get(name);
    const isOutdated = listed !== undefined && listed.tombstones?.lengthBytes !== seal.tombstones?.lengthBytes; // prettier-ignore
    return isOutdated ? [[name, seal] as const] : [];
  });
}

/** Files of a shard that its manifest does not list: of a flush, and of one before that failed to list its own. */
export function unlistedOf(
  { files, gone = [] }: ShardManifest,
  held: readonly HeldFile[],
): readonly (readonly [string, TsmSeal])[] {
  return held.flatMap(({ path, seal }) => {
    const name = nameOf(path);
    // What a compaction has just replaced is about to leave.
    return files.has(name) || gone.includes(name) ? [] : [[name, seal] as const];
  });
}
