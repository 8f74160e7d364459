/**
 * The shards under a data folder, found and opened.
 *
 * Invariants:
 * - A file that is not what it was when it was written is renamed to `<name>.bad` and never read.
 * - A shard that lacks one of its files, holds a `.bad` one, has lost count of its log or records of it is damaged: it is
 *   neither read nor written, since an answer without what is missing would be a wrong one, and stays so until the file is
 *   put back, the mark is removed or the shard is deleted.
 * - A file that cannot be read costs its shard alone, which is tried again at the next start.
 * - A folder by the name of a shard is whole: it is made and deleted under another name, so that no crash leaves a part.
 * - Generations of a shard that a copy is being brought to begin above those that the copy may have.
 */
import type { FailedRecords } from '../log/log-marks.ts';
import { DbError, errorText, isDbError } from '../../../base/errors.ts';
import type { Clock } from '../../../env/clock.ts';
import type { Disk } from '../../../env/disk.ts';
import type { Log } from '../../../env/log.ts';
import type { RecentBudget } from '../../engine/memtable/recent-batches.ts';
import type { RowChecks } from '../../engine/limits/row-checks.ts';
import { Shard } from '../../engine/shard.ts';
import { IndexSegment } from '../../index/index-segment.ts';
import { goneSuffix, gonePath } from '../../index/segment-gone.ts';
import { segmentSuffix, type SegmentSeal } from '../../index/segment-format.ts';
import type { PageCache } from '../../pages/page-cache.ts';
import { TsmFile, type TsmSeal } from '../../tsm/tsm-file.ts';
import { isOfTombstones, removeTsm } from '../../tsm/tombstones.ts';
import { tsmNameOf } from '../../tsm/tsm-format.ts';
import { markName, readMark } from '../log/damage-mark.ts';
import { folderNameOf, nameOfFolder } from './folder-name.ts';
import { ManifestKeeper } from './manifest-keeper.ts';
import { ShardWork } from './shard-work.ts';
import { SegmentKeeper, type SegmentPorts } from '../segments/segment-keeper.ts';
import { readManifest, type ManifestCopy, type ShardManifest } from './shard-manifest.ts';
import { finishPending, withFoundFiles, type StrikingDelete } from '../deletes/mark-delete.ts';
import { filtersOf, struckBy, type DeleteFilters } from '../deletes/stored-deletes.ts';

/** As the reference names what it sets aside. */
const badSuffix = '.tsm.bad';
/** A shard's folder has its name once it is whole, and loses it before anything in it goes. */
export const newSuffix = '.new';
export const deletedSuffix = '.deleted';
/** Of a damaged shard that another owner's copy has replaced: for whoever wants to look. */
export const asideSuffix = '.aside-';
/** Folders of transfers, by their number: they end with the run of the node. */
export const snapshotSuffix = '.snapshot-';
export const stagingSuffix = '.staging-';
const shardFolderPattern = /^(\d+)(\.new|\.deleted|\.(?:snapshot|staging)-\d+)?$/;
/** Generations below it are kept for what a copy brings: it goes below what came to the shard meanwhile. */
const copiedGenerationsMax = 1_000_000;

export interface ShardPlace {
  readonly shardId: number;
  readonly database: string;
  readonly retentionPolicy: string;
}

/** A shard of this worker and what the store keeps of it. */
export interface OpenShard {
  readonly shard: Shard;
  readonly place: ShardPlace;
  /** Of the last record that was handed to the log, and of the last one that was applied. */
  sequence: number;
  appliedSequence: number;
  flushedSequence: number;
  /** Records of points of this run that were not taken: the log may have them all the same. */
  failed: readonly FailedRecords[];
  /** First and last of those in files that the log had as it was read, as far back as none is missing. */
  flushedInLog: { readonly first: number; readonly last: number };
  /** What shard.json says, and the way to change it. */
  readonly manifest: ManifestKeeper;
  /** Of its index. */
  readonly segments: SegmentKeeper;
  readonly work: ShardWork;
  /** Files have series that no segment has: they are not to be listed as if they had not. */
  isIndexBehind: boolean;
  isRebuilding: boolean;
  /** Files of a copy are becoming its own: they are listed a moment before they are read. */
  isTaking: boolean;
  /** Of the latest file. */
  generation: number;
  lastWriteMs: number;
  flushing: Promise<void> | undefined;
  compacting: Promise<unknown> | undefined;
  /** Deletes of points under way: nothing is compacted meanwhile. */
  deletingCount: number;
  /** Of the delete that is about to be, or has just been, marked: flushes ask it. */
  striking: StrikingDelete | undefined;
  /** They run one after the other. */
  deleting: Promise<unknown>;
}

export interface DamagedShard {
  readonly place: ShardPlace;
  /** `corrupt`, `unsupported_version` or `io_error`, with path and offset. */
  readonly error: DbError;
}

export interface FoundShards {
  /** Shards of this worker whose deletion was ended now. */
  readonly sweptIds: readonly number[];
  /** Those that have a folder and are to be opened. */
  readonly pending: Map<number, ShardPlace>;
  readonly damaged: Map<number, DamagedShard>;
}

export interface FindShardsOptions {
  readonly dataFolder: string;
  readonly isHome: (shardId: number) => boolean;
}

export interface OpeningPorts extends SegmentPorts {
  /** Of the blocks of files. */
  readonly blocks: PageCache;
  readonly budget?: RecentBudget | undefined;
  readonly filters?: DeleteFilters | undefined;
  readonly checks?: RowChecks | undefined;
  readonly clock: Clock;
  readonly log: Log;
  readonly trace?: Pick<Log, 'info'> | undefined;
}

/** A shard without records, or with none after `sequence`. */
function newOpenShard(
  shard: Shard,
  place: ShardPlace,
  options: {
    readonly sequence: number;
    readonly nowMs: number;
    readonly manifest: ManifestKeeper;
    readonly segments: SegmentKeeper;
    readonly clock: Clock;
  },
): OpenShard {
  const { sequence, nowMs, manifest, segments, clock } = options;
  return {
    shard,
    place,
    sequence,
    appliedSequence: sequence,
    flushedSequence: sequence,
    failed: [],
    flushedInLog: { first: 0, last: 0 },
    manifest,
    segments,
    work: new ShardWork(clock),
    isIndexBehind: false,
    isRebuilding: false,
    isTaking: false,
    generation: isIncoming(manifest.manifest) ? copiedGenerationsMax : 0,
    lastWriteMs: nowMs,
    flushing: undefined,
    compacting: undefined,
    deletingCount: 0,
    striking: undefined,
    deleting: Promise.resolve(),
  };
}

/** A shard whose folder was made just now. */
export function emptyShard(
  ports: OpeningPorts,
  folder: string,
  { place, sequence, copy }: { readonly place: ShardPlace; readonly sequence: number; readonly copy: ManifestCopy | undefined }, // prettier-ignore
): OpenShard {
  const { disk, kernel, budget, clock } = ports;
  const shard = new Shard(place.shardId, kernel, {
    budget,
    checks: ports.checks,
    onUnclear: unclearTo(ports.log, place),
  });
  const manifest = new ManifestKeeper(disk, folder, { flushedSequence: sequence, files: new Map(), copy }); // prettier-ignore
  const segments = new SegmentKeeper(ports, { folder, index: shard.index, manifest });
  const nowMs = clock.monotonicMs();
  return newOpenShard(shard, place, { sequence, nowMs, manifest, segments, clock });
}

/** Whether only what came since the copy began is here. */
export function isIncoming({ copy }: ShardManifest): boolean {
  return copy?.isWhole === false;
}

/** Whether what it is to be read with has not come yet. */
export function isAwaiting({ manifest, isTaking }: OpenShard): boolean {
  return isTaking || isIncoming(manifest.manifest);
}

/** The shards under the data folder that are home here. None is opened. */
export async function findShards(disk: Disk, options: FindShardsOptions): Promise<FoundShards> {
  const { dataFolder, isHome } = options;
  const pending = new Map<number, ShardPlace>();
  const damaged = new Map<number, DamagedShard>();
  // Listed once: a folder may have thousands, and those of shards that are home here nobody else touches.
  const folders = await shardFolders(disk, dataFolder, isHome);
  const sweptIds = await sweep(disk, dataFolder, folders);
  for (const { place, suffix } of folders) {
    if (suffix !== '') continue;
    const { shardId } = place;
    if (!pending.has(shardId) && !damaged.has(shardId)) pending.set(shardId, place);
    else {
      pending.delete(shardId);
      const error = new DbError('corrupt', `${folderOf(dataFolder, place)}: shard ${shardId} is there twice`); // prettier-ignore
      damaged.set(shardId, { place, error });
    }
  }
  return { sweptIds, pending, damaged };
}

export function folderOf(
  dataFolder: string,
  { database, retentionPolicy, shardId }: ShardPlace,
): string {
  return `${dataFolder}/${folderNameOf(database)}/${folderNameOf(retentionPolicy)}/${shardId}`;
}

/** Opens any folder with the files of a shard. Throws what is wrong with it: isDamage() tells what costs the shard alone. */
export async function openShard(
  ports: OpeningPorts,
  folder: string,
  { place, nowMs }: { readonly place: ShardPlace; readonly nowMs: number },
): Promise<OpenShard> {
  const { disk, kernel } = ports;
  const mark = await readMark(disk, folder);
  if (mark !== undefined) throw new DbError('corrupt', `${folder}/${markName}: ${mark}`);
  const read = await readManifest(disk, folder);
  const { flushedSequence, files: sealed, gone = [] } = read;
  // Their points are in other files, and may have been deleted there since.
  for (const name of gone) await removeTsm(disk, `${folder}/${name}`);
  const files: TsmFile[] = [];
  let segments: readonly IndexSegment[] | undefined;
  // Names of files that were removed are not given again: they would be again, and gone.
  let generation = Math.max(0, ...gone.map((name) => tsmNameOf(name)?.generation ?? 0));
  try {
    for (const name of await filesIn(disk, folder, sealed)) {
      generation = Math.max(generation, tsmNameOf(name)?.generation ?? 0);
      files.push(await openFile(ports, `${folder}/${name}`, sealed.get(name)));
    }
    segments = await openSegments(ports, folder, read.segments);
  } catch (error) {
    for (const file of files) await file.close();
    throw error;
  }
  const isIndexed = segments !== undefined && segments.length > 0;
  const found = withFoundFiles(read, files);
  const manifest = new ManifestKeeper(disk, folder, { ...found, ...(!isIndexed && { segments: undefined }) }); // prettier-ignore
  const shard = new Shard(place.shardId, kernel, {
    files,
    segments: segments ?? [],
    budget: ports.budget,
    checks: ports.checks,
    onUnclear: unclearTo(ports.log, place),
  });
  const filters = filtersOf(ports);
  shard.strike((read.deletes ?? []).map((one) => struckBy(one, filters)));
  const damaged = isIndexed ? [] : [...(read.segments?.keys() ?? [])];
  const keeper = new SegmentKeeper(ports, { folder, index: shard.index, manifest, damaged });
  const { clock } = ports;
  const state = { sequence: flushedSequence, nowMs, manifest, segments: keeper, clock };
  const open = newOpenShard(shard, place, state);
  open.generation = Math.max(open.generation, generation);
  const isNew = ({ path }: TsmFile) => !isIndexed || !sealed.has(path.slice(folder.length + 1));
  const unindexed = files.filter(isNew);
  try {
    if (unindexed.length > 0) await indexFiles(open, unindexed, ports);
    // Nobody has read the shard yet, and no record of the log is in memory.
    if (ports.filters !== undefined) await finishPending(open, { ...ports, filters });
  } catch (error) {
    await shard.close();
    throw error;
  }
  return open;
}

/** Notes that late values may count against later ones (decision 0014): for whoever compares replicas. */
function unclearTo(log: Log, { shardId: shard }: ShardPlace): (values: number) => void {
  return (values) => {
    log.warn('Late values whose order is not known were taken as the latest', { shard, values });
  };
}

/** Brings files into the index that it does not have yet: imported ones, those of a crash, or all when there was none. */
async function indexFiles(
  open: OpenShard,
  unindexed: readonly TsmFile[],
  ports: OpeningPorts,
): Promise<void> {
  const { shard, segments } = open;
  await shard.learn(unindexed, ports);
  // They are not kept in memory once they are on the disk.
  shard.setAside({ beginsTable: true });
  const table = shard.asideTable;
  await shard.flush('', ports);
  const seals = shard.files.map(({ path, seal }) => [path.slice(path.lastIndexOf('/') + 1), seal] as const); // prettier-ignore
  try {
    await segments.commit(table, (one) => ({ ...one, files: new Map(seals) }));
  } catch (error) {
    if (!isDbError(error, 'io_error') && !isDbError(error, 'disk_full')) throw error;
    // It is in memory, and goes to the disk with the next flush.
    open.isIndexBehind = true;
    const { shardId } = open.place;
    ports.log.warn('The index of a shard could not be written', { shard: shardId, error: errorText(error) }); // prettier-ignore
  }
}

/**
 * Undefined when one of them is damaged, or the disk fails to read it: the index is made anew then. Where opening it fails for
 * another reason, as without descriptors, nothing is wrong with it. Files of an index that nobody lists are removed.
 */
async function openSegments(
  ports: OpeningPorts,
  folder: string,
  listed: ReadonlyMap<string, SegmentSeal> = new Map(),
): Promise<readonly IndexSegment[] | undefined> {
  const { disk, log } = ports;
  for (const { name } of await disk.list(folder)) {
    const isOfIndex = [segmentSuffix, goneSuffix, `${segmentSuffix}.tmp`].some((suffix) => name.endsWith(suffix)); // prettier-ignore
    const isListed = [...listed.keys()].some((one) => one === name || gonePath(one) === name);
    if (isOfIndex && !isListed) await disk.remove(`${folder}/${name}`);
  }
  const segments: IndexSegment[] = [];
  try {
    for (const [name, seal] of listed)
      segments.push(await IndexSegment.open(ports, `${folder}/${name}`, seal));
    return segments;
  } catch (error) {
    for (const segment of segments) segment.retire();
    if (!isDamage(error)) throw error;
    log.warn('The index of a shard is damaged and is made anew', { folder, error: errorText(error) }); // prettier-ignore
    return undefined;
  }
}

/** The names of a shard's files, oldest first. Throws `corrupt` when one is set aside or missing. */
async function filesIn(
  disk: Disk,
  folder: string,
  sealed: ReadonlyMap<string, TsmSeal>,
): Promise<readonly string[]> {
  const names: string[] = [];
  for (const { name } of await disk.list(folder)) {
    // What a crash has left of a flush is in the log still.
    if (name.endsWith('.tsm.tmp')) await disk.remove(`${folder}/${name}`);
    if (tsmNameOf(name) !== undefined) names.push(name);
    if (name.endsWith(badSuffix))
      throw new DbError('corrupt', `${folder}/${name}: set aside as damaged`);
  }
  const missing = [...sealed.keys()].find((name) => !names.includes(name));
  if (missing !== undefined) throw new DbError('corrupt', `${folder}/${missing}: the file is gone`);
  return names;
}

async function openFile(
  ports: OpeningPorts,
  path: string,
  seal: TsmSeal | undefined,
): Promise<TsmFile> {
  const { disk } = ports;
  try {
    return await TsmFile.open(ports, path, seal);
  } catch (error) {
    // Nothing is wrong with a file whose tombstones are: it is well again once these are.
    if (!isDbError(error, 'corrupt') || isOfTombstones(error, path)) throw error;
    await disk.rename(path, `${path}${badSuffix.slice('.tsm'.length)}`);
    await disk.syncDir(path.slice(0, path.lastIndexOf('/')));
    throw error;
  }
}

export function isDamage(error: unknown): error is DbError {
  return (
    isDbError(error, 'corrupt') ||
    isDbError(error, 'unsupported_version') ||
    isDbError(error, 'io_error') ||
    // Of a file that was listed a moment ago: what is gone is no reason for the others to stay shut.
    isDbError(error, 'not_found')
  );
}

/** All shards that have a folder, whichever worker is home of them. */
export async function placesIn(disk: Disk, dataFolder: string): Promise<readonly ShardPlace[]> {
  const folders = await shardFolders(disk, dataFolder, () => true);
  return folders.filter(({ suffix }) => suffix === '').map(({ place }) => place);
}

interface ShardFolder {
  readonly place: ShardPlace;
  /** '' of a shard; what else of one that is coming, going or being copied. */
  readonly suffix: string;
}

/** Removes what a crash has left of shards that were being made, deleted, or on their way from node to node. */
async function sweep(
  disk: Disk,
  dataFolder: string,
  folders: readonly ShardFolder[],
): Promise<readonly number[]> {
  const deletedIds: number[] = [];
  for (const { place, suffix } of folders) {
    if (suffix === '') continue;
    await disk.removeTree(`${folderOf(dataFolder, place)}${suffix}`);
    if (suffix === deletedSuffix) deletedIds.push(place.shardId);
  }
  return deletedIds;
}

async function shardFolders(
  disk: Disk,
  dataFolder: string,
  isWanted: (shardId: number) => boolean,
): Promise<readonly ShardFolder[]> {
  const found: ShardFolder[] = [];
  for (const databaseFolder of await foldersIn(disk, dataFolder)) {
    const database = nameOfFolder(databaseFolder);
    if (database === undefined) continue;
    for (const policyFolder of await foldersIn(disk, `${dataFolder}/${databaseFolder}`)) {
      const retentionPolicy = nameOfFolder(policyFolder);
      if (retentionPolicy === undefined) continue;
      const names = await foldersIn(disk, `${dataFolder}/${databaseFolder}/${policyFolder}`);
      const policy = { database, retentionPolicy };
      for (const name of names) pushFolder(found, name, { policy, isWanted });
    }
  }
  return found;
}

/** By itself: it is called thousands of times at a start, and V8 compiles it as it is, without all that is around the calls. */
function pushFolder(
  found: ShardFolder[],
  name: string,
  { policy, isWanted }: { readonly policy: Omit<ShardPlace, 'shardId'>; readonly isWanted: (shardId: number) => boolean }, // prettier-ignore
): void {
  const match = shardFolderPattern.exec(name);
  if (match === null) return;
  const shardId = Number(match[1]);
  if (!isWanted(shardId)) return;
  const { database, retentionPolicy } = policy;
  found.push({ place: { shardId, database, retentionPolicy }, suffix: match[2] ?? '' });
}

async function foldersIn(disk: Disk, path: string): Promise<readonly string[]> {
  return (await disk.list(path)).filter((entry) => entry.isDirectory).map(({ name }) => name);
}
