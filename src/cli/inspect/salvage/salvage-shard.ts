/**
 * Makes a damaged shard one that a node serves again, of what can be read of it. Ours: InfluxDB sets a damaged file aside and goes on
 * without a word about what it had; here nothing is lost before somebody has read what and has said so.
 *
 * Invariants:
 * - no value is kept that is not known to be what was written (sound-keys.ts, sums of blocks);
 * - what was there stays beside as `<name>.lost` until somebody removes it;
 * - until all is in its place a `.bad` file is there, so that a node that starts meanwhile refuses the shard as before, and the
 *   same command begins anew.
 */
import { DbError, errorText, isDbError } from '../../../base/errors.ts';
import type { Disk } from '../../../env/disk.ts';
import { markName, readMark } from '../../../storage/store/log/damage-mark.ts';
import {
  manifestName,
  readManifest,
  writeManifest,
  type ShardManifest,
} from '../../../storage/store/shards/shard-manifest.ts';
import { checkTombstones, tombstonePath } from '../../../storage/tsm/tombstones.ts';
import { tsmNameOf } from '../../../storage/tsm/tsm-format.ts';
import { TsmScan } from '../../../storage/tsm/tsm-scan.ts';
import type { TsmSeal } from '../../../storage/tsm/tsm-seal.ts';
import { salvageFile, type SalvagedFile } from './salvage-file.ts';

export interface Salvage {
  readonly fileCount: number;
  readonly keptCount: number;
  readonly lostCount: number;
  /** Files of which nobody knows all that they had. */
  readonly unknownCount: number;
  /** Something of the shard is damaged, or was set aside. */
  readonly isDamaged: boolean;
}

export interface SalvageOptions {
  /** What is left becomes the shard; otherwise nothing is changed. */
  readonly isAccepted: boolean;
  /** A line about what cannot be read. */
  readonly lost: (text: string) => Promise<void>;
}

/** A file that the shard has, or had. */
interface FoundFile {
  readonly name: string;
  /** Undefined where it is not there. */
  readonly path: string | undefined;
  readonly seal: TsmSeal | undefined;
  readonly hasBad: boolean;
}

interface LookedAt {
  readonly file: FoundFile;
  readonly found: SalvagedFile;
  /** It is what it was when it was written, and stays. */
  readonly isSound: boolean;
}

const badSuffix = '.bad';
const lostSuffix = '.lost';
/** As of a flush that a crash has cut off: a start removes it. */
const freshSuffix = '.tmp';

/** Throws what the disk says, and `not_found` where no shard is. */
export async function salvageShard(
  disk: Disk,
  folder: string,
  { isAccepted, lost }: SalvageOptions,
): Promise<Salvage> {
  const manifest = await manifestOf(disk, folder, lost);
  const files = await findFiles(disk, folder, manifest);
  const mark = await readMark(disk, folder);
  // One that was never flushed has nothing but the mark.
  if (
    files.length === 0 &&
    mark === undefined &&
    (await disk.size(`${folder}/${manifestName}`)) === undefined
  )
    // prettier-ignore
    throw new DbError('not_found', `${folder}: no shard is there`);
  if (mark !== undefined) await lost(`${folder}/${markName}: ${mark}`);
  const tombstones = await damagedTombstones(disk, { folder, files, lost });
  const looked: LookedAt[] = [];
  for (const file of files) looked.push(await lookAt(disk, folder, { file, lost }));
  const damaged = looked.filter(({ isSound }) => !isSound);
  const isAside = files.some(({ hasBad }) => hasBad) || mark !== undefined;
  const isDamaged = damaged.length + tombstones.length > 0 || isAside || manifest === undefined;
  if (isAccepted && isDamaged) {
    const sound = looked.filter(({ isSound }) => isSound);
    await setTombstonesAside(disk, folder, tombstones);
    await replaceFiles(disk, folder, { manifest, sound, damaged, unstruck: tombstones });
    await disk.remove(`${folder}/${markName}`);
    await disk.syncDir(folder);
  }
  return {
    fileCount: files.length,
    keptCount: looked.reduce((sum, { found }) => sum + found.keptCount, 0),
    lostCount: looked.reduce((sum, { found }) => sum + found.lostCount, 0),
    unknownCount: looked.filter(({ found }) => found.isIndexLost).length,
    isDamaged,
  };
}

/** Undefined when it is damaged: which files the shard had is as good as known by those that are there. */
async function manifestOf(
  disk: Disk,
  folder: string,
  lost: SalvageOptions['lost'],
): Promise<ShardManifest | undefined> {
  try {
    return await readManifest(disk, folder);
  } catch (error) {
    if (!isDbError(error, 'corrupt')) throw error;
    await lost(`${errorText(error)}: files are believed as far as they add up, and deletes that late writes are held against are forgotten`); // prettier-ignore
    return undefined;
  }
}

async function findFiles(
  disk: Disk,
  folder: string,
  manifest: ShardManifest | undefined,
): Promise<readonly FoundFile[]> {
  const there = new Set((await disk.list(folder)).map(({ name }) => name));
  const seals = manifest?.files ?? new Map<string, TsmSeal>();
  const gone = new Set(manifest?.gone);
  const names = [...there].map((name) => name.endsWith(badSuffix) ? name.slice(0, -badSuffix.length) : name); // prettier-ignore
  const all = new Set([...names, ...seals.keys()].filter((name) => tsmNameOf(name) !== undefined && !gone.has(name))); // prettier-ignore
  const found: FoundFile[] = [];
  for (const name of [...all].sort()) {
    const seal = seals.get(name);
    const hasBad = there.has(`${name}${badSuffix}`);
    const [path, bad] = [`${folder}/${name}`, `${folder}/${name}${badSuffix}`];
    const isGood = there.has(name) && (!hasBad || (await isSealed(disk, { path, seal })));
    const at = isGood ? path : hasBad ? bad : undefined;
    found.push({ name, path: at, seal, hasBad });
  }
  return found;
}

/** Whether a file is, by its length and its index, what shard.json says. */
async function isSealed(
  disk: Disk,
  { path, seal }: Pick<FoundFile, 'path' | 'seal'>,
): Promise<boolean> {
  if (seal === undefined || path === undefined) return false;
  try {
    return await TsmScan.isFileSealed(disk, path, seal);
  } catch (error) {
    if (!isDbError(error, 'corrupt') && !isDbError(error, 'unsupported_version')) throw error;
    return false;
  }
}

/** Reads all of a file. */
async function lookAt(
  disk: Disk,
  folder: string,
  { file, lost }: { readonly file: FoundFile; readonly lost: SalvageOptions['lost'] },
): Promise<LookedAt> {
  const { name, path, seal } = file;
  if (path === undefined) {
    await lost(`${folder}/${name}: the file is gone`);
    const found = { keptCount: 0, lostCount: 0, isIndexLost: true, seal: undefined };
    return { file, found, isSound: false };
  }
  const found = await salvageFile(disk, { path, seal, fresh: undefined, lost });
  const isWhole = found.lostCount === 0 && !found.isIndexLost;
  const isSound = isWhole && path.endsWith(name) && (seal === undefined || (await isSealed(disk, { path, seal }))); // prettier-ignore
  if (isWhole && !isSound) await lost(`${path}: all that it has can be read`);
  return { file, found, isSound };
}

/** Names of files whose tombstones are not all that was deleted of them. */
async function damagedTombstones(
  disk: Disk,
  { folder, files, lost }: { readonly folder: string; readonly files: readonly FoundFile[]; readonly lost: SalvageOptions['lost'] }, // prettier-ignore
): Promise<readonly string[]> {
  const damaged: string[] = [];
  for (const { name, seal } of files) {
    const path = `${folder}/${name}`;
    try {
      await checkTombstones(disk, path, seal?.tombstones);
    } catch (error) {
      if (!isDbError(error, 'corrupt')) throw error;
      damaged.push(name);
      await lost(`${errorText(error)}: what was deleted of the file shows again`);
    }
  }
  return damaged;
}

/** Until shard.json says that there are to be none, a start refuses the shard. */
async function setTombstonesAside(
  disk: Disk,
  folder: string,
  names: readonly string[],
): Promise<void> {
  for (const name of names) {
    const path = tombstonePath(`${folder}/${name}`);
    if ((await disk.size(path)) !== undefined) await disk.rename(path, `${path}${lostSuffix}`);
  }
}

interface Replaced {
  readonly manifest: ShardManifest | undefined;
  readonly sound: readonly LookedAt[];
  readonly damaged: readonly LookedAt[];
  /** Names of those that are to have no tombstones. */
  readonly unstruck: readonly string[];
}

async function replaceFiles(
  disk: Disk,
  folder: string,
  { manifest, sound, damaged, unstruck }: Replaced,
): Promise<void> {
  const files = new Map(sound.flatMap(({ file: { name, seal } }) => seal === undefined ? [] : [[name, unstruck.includes(name) ? { ...seal, tombstones: undefined } : seal] as const])); // prettier-ignore
  for (const { file } of damaged) {
    const { name, path, seal } = file;
    if (path === undefined) continue;
    const [here, bad, fresh] = ['', badSuffix, freshSuffix].map((suffix) => `${folder}/${name}${suffix}`) as [string, string, string]; // prettier-ignore
    await disk.remove(fresh);
    const written = await salvageFile(disk, { path, seal, fresh, lost: () => Promise.resolve() });
    // A start refuses the shard while it is there.
    if (path === here) await disk.rename(here, bad);
    if (written.seal === undefined) continue;
    await disk.rename(fresh, here);
    files.set(name, written.seal);
  }
  await disk.syncDir(folder);
  // The index is made anew at the next start, without what is lost.
  await writeManifest(disk, folder, { ...(manifest ?? { flushedSequence: 0 }), files, segments: undefined, logMarks: undefined }); // prettier-ignore
  for (const { file } of [...sound, ...damaged]) {
    const bad = `${folder}/${file.name}${badSuffix}`;
    if ((await disk.size(bad)) !== undefined) await disk.rename(bad, `${folder}/${file.name}${lostSuffix}`); // prettier-ignore
  }
}
