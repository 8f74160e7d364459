/**
 * The files of one shard of a real InfluxDB as those of a shard of ours: TSM files are the same files, linked or copied,
 * tombstones are copied, what is in the log alone becomes files behind them.
 *
 * Invariants:
 * - The shard's folder has its name once it is whole and durable; what a crash leaves has another name, and is made anew.
 * - Nothing of the source is changed: a TSM file is never written to, here or there.
 * - shard.json vouches for every file from the start.
 */
import { DbError, errorText, isDbError } from '../../base/errors.ts';
import type { Disk } from '../../env/disk.ts';
import { makeDurableDir } from '../../env/make-durable-dir.ts';
import { GatheredPoints } from '../../storage/import/gathered-points.ts';
import { readInfluxSegment, type InfluxLogEntry } from '../../storage/import/influx-log.ts';
import { newSuffix } from '../../storage/store/shards/open-shards.ts';
import { writeManifest } from '../../storage/store/shards/shard-manifest.ts';
import { addTombstones, checkTombstones } from '../../storage/tsm/tombstones.ts';
import { tsmName, tsmNameOf } from '../../storage/tsm/tsm-format.ts';
import { readTsmSeal, type TsmSeal } from '../../storage/tsm/tsm-file.ts';
import { TsmScan } from '../../storage/tsm/tsm-scan.ts';
import type { SourceFiles } from './source-folders.ts';

const copiedAtOnceBytes = 1 << 20;
const always = { minTimeNs: -(2n ** 63n), maxTimeNs: 2n ** 63n - 1n };

/** What there is to import of one shard. */
export interface ShardSurvey {
  readonly tsmCount: number;
  readonly tsmBytes: number;
  readonly tombstoneCount: number;
  readonly segmentCount: number;
  /** Values that are in the log alone. */
  readonly logValueCount: number;
  /** What the log lacks, as a crash of the server leaves it. */
  readonly logDamage: readonly string[];
}

/** Reads all of it but the blocks. Throws `corrupt` with the path of a file that is none. */
export async function surveyShard(disk: Disk, files: SourceFiles): Promise<ShardSurvey> {
  let tsmBytes = 0;
  for (const path of files.tsmPaths) tsmBytes += await lengthOfTsm(disk, path);
  for (const path of files.tombstonePaths)
    await checkTombstones(disk, path.replace(/\.tombstone$/, '.tsm'));
  let logValueCount = 0;
  const logDamage: string[] = [];
  for (const path of files.segmentPaths) {
    const { damage } = await readInfluxSegment(disk, path, (entry) => {
      if (entry.kind !== 'write') return;
      for (const { timesNs } of entry.values) logValueCount += timesNs.length;
    });
    if (damage !== undefined) logDamage.push(damage.message);
  }
  return {
    tsmCount: files.tsmPaths.length,
    tsmBytes,
    tombstoneCount: files.tombstonePaths.length,
    segmentCount: files.segmentPaths.length,
    logValueCount,
    logDamage,
  };
}

async function lengthOfTsm(disk: Disk, path: string): Promise<number> {
  let scan: TsmScan | undefined;
  try {
    scan = await TsmScan.open(disk, path);
    await scan.summary();
    return scan.lengthBytes;
  } catch (error) {
    if (!isDbError(error, 'corrupt')) throw error;
    throw new DbError('corrupt', `${error.message} (without it, renamed to ${nameOf(path)}.bad as an InfluxDB does that starts, the rest is imported)`, { cause: error }); // prettier-ignore
  } finally {
    await scan?.close();
  }
}

/**
 * Makes `folder`; it and its files are durable once it resolves. A folder that is there is left as it is. Of the log no more
 * than `valuesMax` values are in memory.
 */
export async function placeShard(
  disk: Disk,
  files: SourceFiles,
  { folder, valuesMax }: { readonly folder: string; readonly valuesMax?: number | undefined },
): Promise<void> {
  if ((await disk.size(folder)) !== undefined) return;
  const fresh = `${folder}${newSuffix}`;
  await disk.removeTree(fresh);
  await makeDurableDir(disk, fresh);
  for (const path of files.tsmPaths) await linkOrCopy(disk, path, `${fresh}/${nameOf(path)}`);
  for (const path of files.tombstonePaths) await copyFile(disk, path, `${fresh}/${nameOf(path)}`);
  const names = files.tsmPaths.map(nameOf);
  names.push(...(await writeLog(disk, files, { folder: fresh, valuesMax })));
  const seals = new Map<string, TsmSeal>();
  for (const name of names) seals.set(name, await readTsmSeal(disk, `${fresh}/${name}`));
  await writeManifest(disk, fresh, { flushedSequence: 0, files: seals });
  await disk.syncDir(fresh);
  await disk.rename(fresh, folder);
  await disk.syncDir(folder.slice(0, folder.lastIndexOf('/')));
}

/** The names of the files that it makes, newer than all that are there. */
async function writeLog(
  disk: Disk,
  files: SourceFiles,
  { folder, valuesMax }: { readonly folder: string; readonly valuesMax: number | undefined },
): Promise<readonly string[]> {
  const points = new GatheredPoints({ valuesMax });
  const made: string[] = [];
  let generation = Math.max(0, ...files.tsmPaths.map((path) => tsmNameOf(nameOf(path))?.generation ?? 0)); // prettier-ignore
  const write = async (): Promise<void> => {
    const name = tsmName({ generation: ++generation, sequence: 1 });
    await points.write(await disk.open(`${folder}/${name}`, 'create'));
    made.push(name);
  };
  for (const path of files.segmentPaths)
    await readInfluxSegment(disk, path, async (entry) => {
      if (entry.kind === 'write') for (const values of entry.values) points.add(values);
      else await deleteOf(disk, entry, { points, paths: made.map((name) => `${folder}/${name}`) });
      if (points.isFull) await write();
    });
  if (!points.isEmpty) await write();
  return made;
}

/** Of what came before it in the log: the server had deleted it in its own files before it wrote the entry. */
async function deleteOf(
  disk: Disk,
  entry: Exclude<InfluxLogEntry, { kind: 'write' }>,
  { points, paths }: { readonly points: GatheredPoints; readonly paths: readonly string[] },
): Promise<void> {
  const range = entry.kind === 'delete' ? always : entry;
  points.delete(entry.keys, range);
  const tombstones = entry.keys.map((key) => ({
    key: Buffer.from(key, 'latin1'),
    minTimeNs: range.minTimeNs,
    maxTimeNs: range.maxTimeNs,
  }));
  const turn = () => Promise.resolve();
  for (const path of paths) await addTombstones({ disk, turn }, { path }, tombstones);
}

/** On another file system, or of another owner, a file cannot be linked. */
export async function linkOrCopy(disk: Disk, from: string, to: string): Promise<void> {
  try {
    await disk.link(from, to);
  } catch (error) {
    if (!isDbError(error, 'io_error')) throw error;
    await copyFile(disk, from, to);
  }
}

async function copyFile(disk: Disk, from: string, to: string): Promise<void> {
  const source = await disk.open(from, 'read');
  try {
    const target = await disk.open(to, 'create');
    try {
      const piece = new Uint8Array(copiedAtOnceBytes);
      for (let at = 0; at < source.lengthBytes; at += piece.length) {
        const read = await source.readAt(at, piece);
        await target.append([piece.subarray(0, read)]);
      }
      await target.sync();
    } finally {
      await target.close();
    }
  } catch (error) {
    throw new DbError(isDbError(error) ? error.code : 'io_error', `copy ${from}: ${errorText(error)}`, { cause: error }); // prettier-ignore
  } finally {
    await source.close();
  }
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
