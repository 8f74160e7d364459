/**
 * What an opening store finds: its shards with what the log adds to them, the segments of earlier runs, the roster.
 *
 * Invariants:
 * - A shard in the roster without a folder is damaged, not empty. A folder that the roster does not have is taken in.
 * - Damage of one shard, or of the log, keeps no other shard from opening.
 */
import { DbError, errorText, isDbError } from '../../../base/errors.ts';
import { compiledKernels } from '../../../kernels/module/kernel-module.ts';
import type { Sequences } from '../../../kernels/record-index.ts';
import { StoreKernel } from '../../../kernels/store-kernel.ts';
import { RecentBudget } from '../../engine/memtable/recent-batches.ts';
import { PageCache } from '../../pages/page-cache.ts';
import { recoverWal, type RecoveredWal } from '../../wal/wal-recovery.ts';
import type { WalSegment } from '../../wal/wal-writer.ts';
import { judgeLogDamage, settleLogDamage, type LogDamageResult } from '../log/log-damage.ts';
import { removeLogEnds, readLogEnds, type LogEnds } from '../log/log-ends.ts';
import { checkLogFolder, keepLogFolder } from '../log/log-folder.ts';
import { findShards, folderOf, type DamagedShard, type FoundShards } from '../shards/open-shards.ts'; // prettier-ignore
import { ShardOpener } from './shard-opener.ts';
import { ShardMap } from '../shards/shard-map.ts';
import { ShardRoster } from '../shards/shard-roster.ts';
import {
  blockCacheBytesDefault,
  indexCacheBytesDefault,
  memoryBytesMaxOf,
  recentBytesDefault,
  type StoreOptions,
  type StorePorts,
} from '../store-options.ts';

/** Of shards, in a line of the log. */
const idsPerLine = 32;

export interface FoundStore {
  readonly shards: ShardMap;
  readonly damaged: Map<number, DamagedShard>;
  readonly opener: ShardOpener;
  readonly run: number;
  readonly segments: readonly WalSegment[];
  readonly goneSequences: Map<number, number>;
  readonly roster: ShardRoster | undefined;
  /** Holds series and memtables of all shards. */
  readonly kernel: StoreKernel;
  /** Pages of their indexes. */
  readonly cache: PageCache;
  /** Of the blocks of their files. */
  readonly blocks: PageCache;
  readonly budget: RecentBudget;
  /** Deals with damage of the log that was found; undefined when there is none left. */
  readonly settleLog: (() => Promise<void>) | undefined;
}

export async function findStore(ports: StorePorts, options: StoreOptions): Promise<FoundStore> {
  const { disk, log } = ports;
  const { rosterFolder: folder, worker, isHome, dataFolder } = options;
  await checkLogFolder(disk, options);
  const roster = folder === undefined ? undefined : await ShardRoster.open(ports, { folder, worker }); // prettier-ignore
  const kernel = StoreKernel.create(compiledKernels(), { bytesMax: memoryBytesMaxOf(options), memory: ports.kernelMemory }); // prettier-ignore
  const cache = new PageCache(options.indexCacheBytesMax ?? indexCacheBytesDefault);
  const blocks = new PageCache(options.blockCacheBytesMax ?? blockCacheBytesDefault);
  const budget = new RecentBudget(options.recentBytesMax ?? recentBytesDefault);
  const found = await findShards(disk, options);
  await compareRoster(ports, roster, { ...found, dataFolder, isHome });
  for (const [shard, { error }] of found.damaged)
    log.error('Shard is damaged: it is neither read nor written', { shard, error: errorText(error) }); // prettier-ignore
  const shards = new ShardMap();
  const { damaged } = found;
  const opener = new ShardOpener({ ...ports, kernel, cache, blocks, budget, checks: options.rowChecks }, options, { ...found, shards }); // prettier-ignore
  if (options.opensBehind !== true) await opener.openAll();
  const segments: WalSegment[] = [];
  const recovered = await recoverWal(disk, options.walFolder, {
    index: opener.index,
    onKept: (kept) => opener.keepAll(kept),
    onRecord: (record) => {
      if (opener.isPending(record.shardId)) return opener.keep(record);
      const open = shards.get(record.shardId);
      if (open !== undefined) opener.replay(open, record);
      return undefined;
    },
    onSegment: (segment) => segments.push(segment),
  });
  const ends = folder === undefined ? new Map<number, readonly number[]>() : await readLogEnds(ports, folder); // prettier-ignore
  const settled = await settleOrJudge(ports, options, { ...recovered, ends });
  const inLog = opener.index.greatestSequences();
  opener.logWasRead();
  for (const [shardId, error] of settled.lacking)
    await setAsDamaged({ opener, shards, damaged }, shardId, error);
  return {
    ...{ shards, damaged, opener, kernel, cache, blocks, budget, roster },
    run: recovered.run,
    segments: segments.filter(({ path }) => !settled.keptPaths.has(path)),
    goneSequences: sequencesOfGone(inLog, { isHome, isHere: (shardId) => shards.has(shardId) || opener.isPending(shardId) }), // prettier-ignore
    settleLog: settled.settleLog,
  };
}

/** Workers that open side by side change nothing of the log that the others may still read: one does when all are open. */
async function settleOrJudge(
  ports: StorePorts,
  options: StoreOptions,
  recovered: RecoveredWal & { readonly ends: LogEnds },
): Promise<LogDamageResult & Pick<FoundStore, 'settleLog'>> {
  const judged = await judgeLogDamage(ports, options, recovered);
  const settle = async (): Promise<ReadonlySet<string>> => {
    for (const path of recovered.emptyPaths)
      ports.log.warn('A segment of the write-ahead log is empty: if it had records, they are lost', { path }); // prettier-ignore
    const keptPaths = await settleLogDamage(ports, options, judged);
    if (!keptPaths.has(options.walFolder)) await forgetEnds(ports, options);
    await keepLogFolder(ports, options);
    return keptPaths;
  };
  if (options.settlesLater !== true)
    return { lacking: judged.lacking, keptPaths: await settle(), settleLog: undefined };
  // Of a torn one nothing is missed, whoever removes it.
  const kept = judged.damage.filter(({ kind }) => kind !== 'torn').map(({ path }) => path);
  const settleLog = async (): Promise<void> => {
    await settle();
  };
  return { lacking: judged.lacking, keptPaths: new Set(kept), settleLog };
}

/** What they say has been dealt with. */
async function forgetEnds(
  { disk, log }: StorePorts,
  { rosterFolder }: Pick<StoreOptions, 'rosterFolder'>,
): Promise<void> {
  if (rosterFolder === undefined) return;
  try {
    await removeLogEnds(disk, rosterFolder);
  } catch (error) {
    if (!isDbError(error, 'io_error') && !isDbError(error, 'disk_full')) throw error;
    log.warn('What the log ended with could not be removed', { error: errorText(error) });
  }
}

async function compareRoster(
  { log }: StorePorts,
  roster: ShardRoster | undefined,
  found: FoundShards & Pick<StoreOptions, 'dataFolder' | 'isHome'>,
): Promise<void> {
  if (roster === undefined) return;
  const { pending, damaged, sweptIds, dataFolder, isHome } = found;
  try {
    for (const shardId of sweptIds)
      if (!pending.has(shardId) && !damaged.has(shardId)) await roster.gone(shardId);
    const there = [...damaged.values()].map(({ place }) => place);
    const unlisted = [...pending.values(), ...there].filter(({ shardId }) => !roster.has(shardId));
    for (const place of unlisted) await roster.made(place, undefined);
    // As of an import, or of a list that was cut: it misses no folder then that is gone as well.
    const ids = unlisted.slice(0, idsPerLine).map(({ shardId }) => shardId);
    if (ids.length > 0)
      log.warn('Shards were not in the list of shards, and are taken in', { shards: ids.join(), count: unlisted.length }); // prettier-ignore
  } catch (error) {
    if (!isDbError(error, 'io_error') && !isDbError(error, 'disk_full')) throw error;
    // As it was before: the next start tries again.
    log.warn('The list of shards could not be brought up to date', { error: errorText(error) });
  }
  for (const { shardId, database, retentionPolicy } of roster.places) {
    if (!isHome(shardId) || pending.has(shardId) || damaged.has(shardId)) continue;
    const place = { shardId, database, retentionPolicy };
    const text = `${folderOf(dataFolder, place)}: the folder of the shard is gone`;
    damaged.set(shardId, { place, error: new DbError('corrupt', text) });
  }
}

async function setAsDamaged(
  { opener, shards, damaged }: Pick<FoundStore, 'opener' | 'shards' | 'damaged'>,
  shardId: number,
  error: DbError,
): Promise<void> {
  opener.setDamaged(shardId, error);
  const open = shards.get(shardId);
  if (open === undefined) return;
  shards.delete(shardId);
  damaged.set(shardId, { place: open.place, error });
  await open.shard.close();
}

/** Up to where the log has records of shards that would be home here and are not there. */
function sequencesOfGone(
  inLog: Sequences,
  { isHome, isHere }: { readonly isHome: (shardId: number) => boolean; readonly isHere: (shardId: number) => boolean }, // prettier-ignore
): Map<number, number> {
  const gone = new Map<number, number>();
  for (const [shardId, sequence] of inLog)
    if (isHome(shardId) && !isHere(shardId)) gone.set(shardId, sequence);
  return gone;
}
