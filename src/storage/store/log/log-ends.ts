/**
 * `end-WWW.json` in the roster's folder: what the log had of shards that is in no file yet, as a worker was stopped. A log that was cut,
 * or lacks the last segments of a run, says nothing of it by itself, as no later record of that run vouches for those (wal-recovery.ts).
 *
 * A checked line (codec/checked-line.ts) of `[[shard id, sequence], ...]`: of each shard the last one, and the last one of each earlier
 * segment. A release before looks at the greatest of a shard alone.
 *
 * Invariants:
 * - it speaks of the latest run alone: whoever has looked at what the log has now removes it, before anything else is written;
 * - one that cannot be read, or is not what was written, says nothing.
 */
import { readCheckedLine, writeCheckedLine } from '../../../codec/checked-line.ts';
import type { Disk } from '../../../env/disk.ts';
import type { Log } from '../../../env/log.ts';
import type { OpenShard } from '../shards/open-shards.ts';
import type { StoreOptions } from '../store-options.ts';
import type { WalSegment } from '../../wal/wal-writer.ts';

/** By shard: records of it that the log had, the last of each of its segments. */
export type LogEnds = ReadonlyMap<number, readonly number[]>;

const namePattern = /^end-\d{3}\.json$/;

/** Of all workers. Throws `unavailable`: a moment later it may be read. */
export async function readLogEnds(
  ports: { readonly disk: Disk; readonly log: Log },
  folder: string,
): Promise<LogEnds> {
  const ends = new Map<number, readonly number[]>();
  for (const path of await pathsIn(ports.disk, folder))
    // Removed since it was listed, as by a worker that opened before, it says nothing.
    for (const [shardId, sequence] of ((await readCheckedLine(ports, path)) ??
      []) as readonly (readonly [number, number])[])
      ends.set(shardId, [...(ends.get(shardId) ?? []), sequence]);
  return ends;
}

/** What the log of a worker that is being stopped has that is in no file. */
export async function noteLogEnds(
  disk: Disk,
  { rosterFolder: folder, worker }: Pick<StoreOptions, 'rosterFolder' | 'worker'>,
  { shards, waiting, segments }: { readonly shards: Iterable<readonly [number, Pick<OpenShard, 'appliedSequence' | 'flushedSequence'>]>; readonly waiting: Iterable<readonly [number, number]>; readonly segments: readonly Pick<WalSegment, 'sequences'>[] }, // prettier-ignore
): Promise<void> {
  if (folder === undefined) return;
  const ends = new Map(waiting);
  const flushed = new Map<number, number>();
  for (const [shardId, { appliedSequence, flushedSequence }] of shards) {
    if (appliedSequence > flushedSequence) ends.set(shardId, appliedSequence);
    flushed.set(shardId, flushedSequence);
  }
  const all = [...ends];
  for (const { sequences } of segments)
    for (const [shardId, sequence] of sequences)
      if (sequence > (flushed.get(shardId) ?? 0) && sequence < (ends.get(shardId) ?? 0))
        all.push([shardId, sequence]);
  if (all.length > 0) await writeLogEnds(disk, { folder, worker }, all);
}

/** Of one worker. Durable once it resolves. */
async function writeLogEnds(
  disk: Disk,
  { folder, worker }: { readonly folder: string; readonly worker: number },
  ends: readonly (readonly [shardId: number, sequence: number])[],
): Promise<void> {
  await writeCheckedLine(disk, `${folder}/end-${String(worker).padStart(3, '0')}.json`, ends);
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
