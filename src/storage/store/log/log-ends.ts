/**
 * `end-WWW.json` in the roster's folder: what the log had of shards that is in no file yet, as a worker was stopped. A log that was cut,
 * or lacks its last segments, says nothing of it by itself, as no later record vouches for those (wal-recovery.ts).
 *
 * One line: eight hexadecimal digits, the CRC-32 of what follows the space, a space and `[[shard id, last sequence], ...]`.
 *
 * Invariants:
 * - it speaks of the latest run alone: whoever has looked at what the log has now removes it, before anything else is written;
 * - one that cannot be read, or is not what was written, says nothing.
 */
import { crc32 } from 'node:zlib';
import { isDbError } from '../../../base/errors.ts';
import type { Disk } from '../../../env/disk.ts';
import type { OpenShard } from '../shards/open-shards.ts';
import type { StoreOptions } from '../store-options.ts';

/** By shard: up to where its records were in the log. */
export type LogEnds = ReadonlyMap<number, number>;

const namePattern = /^end-\d{3}\.json$/;

/** Of all workers. Throws `unavailable`: a moment later it may be read. */
export async function readLogEnds(disk: Disk, folder: string): Promise<LogEnds> {
  const ends = new Map<number, number>();
  for (const path of await pathsIn(disk, folder))
    for (const [shardId, sequence] of await readOne(disk, path))
      ends.set(shardId, Math.max(sequence, ends.get(shardId) ?? 0));
  return ends;
}

/** Up to where the log of a worker that is being stopped has what is in no file. */
export async function noteLogEnds(
  disk: Disk,
  { rosterFolder: folder, worker }: Pick<StoreOptions, 'rosterFolder' | 'worker'>,
  { shards, waiting }: { readonly shards: Iterable<readonly [number, Pick<OpenShard, 'appliedSequence' | 'flushedSequence'>]>; readonly waiting: Iterable<readonly [number, number]> }, // prettier-ignore
): Promise<void> {
  if (folder === undefined) return;
  const ends = new Map(waiting);
  for (const [shardId, { appliedSequence, flushedSequence }] of shards)
    if (appliedSequence > flushedSequence) ends.set(shardId, appliedSequence);
  if (ends.size > 0) await writeLogEnds(disk, { folder, worker }, ends);
}

/** Of one worker. Durable once it resolves. */
export async function writeLogEnds(
  disk: Disk,
  { folder, worker }: { readonly folder: string; readonly worker: number },
  ends: LogEnds,
): Promise<void> {
  const json = JSON.stringify([...ends]);
  const bytes = new TextEncoder().encode(`${checksum(json)} ${json}\n`);
  await disk.replaceFile(`${folder}/end-${String(worker).padStart(3, '0')}.json`, bytes);
}

/** Of all workers. Durable once it resolves. */
export async function removeLogEnds(disk: Disk, folder: string): Promise<void> {
  const paths = await pathsIn(disk, folder);
  for (const path of paths) await disk.remove(path);
  if (paths.length > 0) await disk.syncDir(folder);
}

async function pathsIn(disk: Disk, folder: string): Promise<readonly string[]> {
  const names = (await disk.list(folder)).map(({ name }) => name);
  return names.filter((name) => namePattern.test(name)).map((name) => `${folder}/${name}`);
}

async function readOne(disk: Disk, path: string): Promise<readonly (readonly [number, number])[]> {
  try {
    const text = new TextDecoder().decode(await disk.readFile(path)).trimEnd();
    const json = text.slice(9);
    if (text.slice(0, 8) !== checksum(json)) return [];
    return JSON.parse(json) as readonly (readonly [number, number])[];
  } catch (error) {
    // Removed since, as by a worker that opened before; or the disk does not give it.
    if (isDbError(error, 'not_found') || isDbError(error, 'io_error')) return [];
    throw error;
  }
}

function checksum(json: string): string {
  return crc32(json).toString(16).padStart(8, '0');
}
