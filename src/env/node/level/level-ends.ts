/**
 * Whether the logs of a LevelDB folder are what they were. LevelDB takes a log that is gone for one without records, and one that
 * was cut for its beginning: what was synced behind that is gone without a word.
 *
 * - Where there is anything of a store `CURRENT` is there, which names its manifest.
 * - Its manifest names the log from which on all are needed. That one is there, whatever ended the process: its name is durable
 *   before the manifest's record is.
 * - `closed.json` has the length and the CRC-32 of each as the store was closed, synced before. It holds as long as the manifest names no later
 *   log, as each opening makes one: who opened the folder since, whichever release it was, has nothing to fear of it.
 *
 * Form of the manifest (LevelDB's version_edit.cc): a log whose batches are fields, each a tag and its value; integers are varints.
 */
import { readdir, readFile, open } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { DbError } from '../../../base/errors.ts';
import { batchesOf } from './level-log.ts';

export interface LogEnd {
  readonly name: string;
  readonly lengthBytes: number;
  readonly crc32: number;
}

interface FoundLog extends LogEnd {
  readonly bytes: Uint8Array;
}

export const closedName = 'closed.json';

const logPattern = /^(\d+)\.log$/;
const tablePattern = /^\d+\.(ldb|sst)$/;
const tag = { comparator: 1, logNumber: 2, nextFile: 3, lastSequence: 4, compactPointer: 5, deletedFile: 6, newFile: 7, previousLog: 9 } as const; // prettier-ignore

/** Throws `corrupt` with the path of what is gone or short. A folder without a store has nothing to miss. */
export async function refuseShortLogs(folder: string): Promise<void> {
  await refuseHeadless(folder);
  const needed = await neededLog(folder);
  if (needed === undefined || needed === 0) return;
  const found = new Map((await logsIn(folder, needed)).map((one) => [numberOf(one.name), one]));
  if (!found.has(needed))
    throw new DbError('corrupt', `${join(folder, nameOf(needed))}: the file is gone, and what was kept in it`); // prettier-ignore
  for (const { name, lengthBytes, crc32: sum } of await readClosed(folder)) {
    if (numberOf(name) < needed) continue;
    const bytes = found.get(numberOf(name))?.bytes ?? new Uint8Array();
    if (bytes.length < lengthBytes)
      throw new DbError('corrupt', `${join(folder, name)}: ends at ${bytes.length}, and had ${lengthBytes} bytes when it was closed`); // prettier-ignore
    if (crc32(bytes.subarray(0, lengthBytes)) !== sum)
      throw new DbError('corrupt', `${join(folder, name)}: not what it was when it was closed`);
  }
}

/** Without `CURRENT` LevelDB takes a folder for a new one, removes its tables and reads what logs are there: they have the latest of it alone. */
async function refuseHeadless(folder: string): Promise<void> {
  const names = await readdir(folder).catch((): readonly string[] => []);
  if (names.includes('CURRENT')) return;
  const logs = names.some((name) => logPattern.test(name)) ? await logsIn(folder, 0) : [];
  // It was there before any table, and any record.
  if (names.some((name) => tablePattern.test(name)) || logs.some(({ lengthBytes }) => lengthBytes > 0))
    throw new DbError('corrupt', `${join(folder, 'CURRENT')}: the file is gone, and what was kept in the store with it`); // prettier-ignore
}

/** Of the logs of a store that was closed; they are so for good once this resolves. */
export async function syncedLogs(folder: string): Promise<readonly LogEnd[]> {
  const logs = await logsIn(folder, 0);
  for (const { name } of logs) {
    const file = await open(join(folder, name), 'r+');
    try {
      await file.datasync();
    } finally {
      await file.close();
    }
  }
  return logs.map(({ name, lengthBytes, crc32: sum }) => ({ name, lengthBytes, crc32: sum }));
}

async function logsIn(folder: string, least: number): Promise<readonly FoundLog[]> {
  const logs: FoundLog[] = [];
  for (const name of await readdir(folder)) {
    if (!logPattern.test(name) || numberOf(name) < least) continue;
    const bytes = await readFile(join(folder, name));
    logs.push({ name, lengthBytes: bytes.length, crc32: crc32(bytes), bytes });
  }
  return logs;
}

function numberOf(name: string): number {
  return Number(logPattern.exec(name)?.[1] ?? Number.NaN);
}

function nameOf(number: number): string {
  return `${String(number).padStart(6, '0')}.log`;
}

async function readClosed(folder: string): Promise<readonly LogEnd[]> {
  try {
    const { logs } = JSON.parse(await readFile(join(folder, closedName), 'utf8')) as { readonly logs?: readonly LogEnd[] }; // prettier-ignore
    return logs ?? [];
  } catch {
    // Of a process that was killed, or of an earlier release.
    return [];
  }
}

/** Undefined where there is no manifest that reads: LevelDB says what is wrong with it. */
async function neededLog(folder: string): Promise<number | undefined> {
  try {
    const current = (await readFile(join(folder, 'CURRENT'), 'utf8')).trimEnd();
    return lastLogNumber(await readFile(join(folder, current)));
  } catch (error) {
    if ((error as { readonly code?: unknown }).code === undefined) throw error;
    return undefined;
  }
}

/** Of the latest edit that has one; undefined where one does not read. */
export function lastLogNumber(manifest: Uint8Array): number | undefined {
  let last: number | undefined;
  for (const edit of batchesOf(manifest)) {
    const cursor = { bytes: edit, at: 0 };
    while (cursor.at < edit.length) {
      const field = varint(cursor);
      if (field === tag.logNumber) last = varint(cursor);
      else if (!skip(cursor, field)) return undefined;
    }
  }
  return last;
}

interface Cursor {
  readonly bytes: Uint8Array;
  at: number;
}

/** Passes the value of a field; false for one that is not known. */
function skip(cursor: Cursor, field: number): boolean {
  switch (field) {
    case tag.comparator:
      skipText(cursor);
      return true;
    case tag.nextFile:
    case tag.lastSequence:
    case tag.previousLog:
      varint(cursor);
      return true;
    case tag.compactPointer:
      varint(cursor);
      skipText(cursor);
      return true;
    case tag.deletedFile:
      varint(cursor);
      varint(cursor);
      return true;
    case tag.newFile:
      for (let i = 0; i < 3; i++) varint(cursor);
      skipText(cursor);
      skipText(cursor);
      return true;
  }
  return false;
}

function skipText(cursor: Cursor): void {
  const lengthBytes = varint(cursor);
  cursor.at += lengthBytes;
}

/** Exact below 2^53. */
function varint(cursor: Cursor): number {
  let value = 0;
  for (let scale = 1; ; scale *= 128) {
    const byte = cursor.bytes[cursor.at++] ?? 0;
    value += (byte & 127) * scale;
    if (byte < 128) return value;
  }
}
