/**
 * Gives a cluster what a backup has (spec F84, F85): first its facts, in one command of the metas, then the shards, each to
 * all of its new owners at once.
 *
 * Invariants:
 * - Nothing of a cluster is changed but by that command, which refuses a database that is there already. Facts too large for one
 *   are several, each of whole databases; before the first it is looked whether any database is there.
 * - A restore that was interrupted, by whatever, goes on when it is asked for again (interrupted-restore.ts): what is whole stays, the
 *   rest is brought from its beginning.
 * - An owner that restarts is waited for; one that stays away fails its shards, and no others.
 * - A shard is at an owner whole or not at all; what came to it meanwhile stays above what is restored.
 */
import { inLanes } from '../base/async/in-lanes.ts';
import { DbError, errorText, isDbError } from '../base/errors.ts';
import type { Clock } from '../env/clock.ts';
import { formatElapsed } from '../influxql/duration.ts';
import { activeDataNodes, type Catalog, type Role, type User } from '../meta/model/catalog.ts';
import type { Database } from '../meta/model/database.ts';
import type { ShardPlace } from '../meta/model/databases.ts';
import { decodeBackupMeta, type BackupFacts } from './backup-meta.ts';
import { isBackedUp, newestOf, type BackupSet } from './backup-set.ts';
import { readWhole, type BackupStore } from './backup-store.ts';
import type { ManifestShard } from './manifest.ts';
import { restoreName, unfinishedOf } from './interrupted-restore.ts';
import { contentOf, type Archives, type RestoreChanges, type RestoreContent, type RestoredShard, type RestoreFilter } from './restore-content.ts'; // prettier-ignore
import { shardFiles, type Decompress } from './shard-archive.ts';
import { sha256Of } from './sha256.ts';
import type { Survey } from './shard-plan.ts';
import { shardsAtOnce } from './take-backup.ts';

/** Where the files of one shard go at one node; nothing is to be seen of them before `commit`. */
export interface ShardInstall {
  /** The files come one after the other, the pieces of each in order. */
  begin(file: { readonly name: string; readonly sizeBytes: number }): Promise<void>;
  write(piece: Uint8Array): Promise<void>;
  commit(): Promise<void>;
  abort(): Promise<void>;
}

export interface RestoreTarget {
  catalog(): Promise<Catalog>;
  /** Asks all data nodes. */
  survey(catalog: Catalog): Promise<Survey>;
  /** Answers which shard each becomes, by the id that it has in `content`. */
  restore(content: Facts): Promise<ReadonlyMap<number, number>>;
  /** What there is of a shard is at all its owners. */
  finish(shardId: number): Promise<void>;
  overwrite(content: Facts & { readonly clusterId: bigint }): Promise<void>;
  /** `node` is host:8088. */
  install(node: string, place: ShardPlace): Promise<ShardInstall>;
}

export interface Facts {
  readonly databases: readonly Database[];
  readonly users: readonly User[];
  readonly roles?: readonly Role[] | undefined;
}

export interface RestorePorts {
  readonly clock: Clock;
  readonly store: BackupStore;
  readonly target: RestoreTarget;
  readonly decompress: Decompress;
  readonly out: (text: string) => void;
  /** How long an owner that is away is waited for; as long as a restart takes where it is left out. */
  readonly ownerWithinMs?: number | undefined;
}

export interface RestoreOptions {
  readonly filter: RestoreFilter;
  readonly changes: Omit<RestoreChanges, 'nodeCount' | 'restoredFrom'>;
  /** An existing shard that takes the one of `filter.shardId`; 0 for none. */
  readonly newShardId: number;
  /** As the user gave it. */
  readonly place: string;
}

/** A shard of the backup, and the one that it becomes. */
interface Target {
  readonly shard: RestoredShard;
  readonly file: ManifestShard;
  readonly place: ShardPlace;
}

/** A data node that restarts is back after some seconds; one with thousands of shards after a minute. */
const ownerWithinMsDefault = 120_000;
const ownerPollMs = 1_000;
const breakCodes = ['unavailable', 'timeout', 'shutdown', 'outcome_unknown', 'not_found'] as const;

export async function restoreBackup(
  ports: RestorePorts,
  set: BackupSet,
  options: RestoreOptions,
): Promise<void> {
  const { clock, target, out } = ports;
  const startMs = clock.monotonicMs();
  const { facts, backup } = await readFacts(ports, set);
  const present = await target.catalog();
  const { filter, changes } = options;
  const archives = {
    hasPoints: (id: number) => set.shards.has(id),
    isBackedUp: (database: string, policy?: string) => isBackedUp(set, database, policy),
  };
  const content = contentOf({ ...facts, ...archives }, filter, {
    ...changes,
    nodeCount: activeDataNodes(present).length,
    restoredFrom: restoreName(backup, filter, changes),
  });
  const newIds = await restoreFacts(ports, content, { ...archives, options, present });
  const catalog = await target.catalog();
  const targets = content.shards.flatMap((shard): Target[] => {
    const [file, newId] = [set.shards.get(shard.id), newIds.get(shard.id)];
    if (newId === undefined) return [];
    if (file !== undefined) return [{ shard, file, place: placeOf(catalog, newId) }];
    // Of a restore that goes on: nobody could ever read it.
    if (catalog.databases.shard(newId)?.shard.restoreIndex === undefined) return [];
    throw new DbError('not_found', `the archive of shard ${shard.id} is not there any more`);
  });
  await inLanes(targets, shardsAtOnce, (one) => restoreShard(ports, catalog, one));
  const bytes = targets.reduce((sum, { file }) => sum + file.size, 0);
  out(`Restored from ${options.place} in ${formatElapsed(clock.monotonicMs() - startMs)}, transferred ${bytes} bytes\n`); // prettier-ignore
}

/** What the cluster knows of databases and users becomes what the backup has; points stay where they are. */
export async function overwriteFacts(
  ports: RestorePorts,
  set: BackupSet,
  place: string,
): Promise<void> {
  const { clock, target, out } = ports;
  const startMs = clock.monotonicMs();
  const { facts } = await readFacts(ports, set);
  const { size } = newestOf(set, place).manifest.meta;
  out('Restoring meta data... ');
  await orSayError(ports, () => target.overwrite(facts));
  const { shardCount } = (await target.catalog()).databases;
  const took = (): string => formatElapsed(clock.monotonicMs() - startMs);
  out(`Done. Restored in ${took()}, ${shardCount} shards mapped\n`);
  out(`Restored from ${place} in ${took()}, transferred ${size} bytes\n`);
}

async function readFacts(
  { store, out }: RestorePorts,
  set: BackupSet,
): Promise<{ readonly facts: BackupFacts; readonly backup: string }> {
  const { fileName } = newestOf(set, store.place).manifest.meta;
  out(`Using meta backup: ${fileName}\n`);
  const bytes = await readWhole(store, fileName);
  return { facts: decodeBackupMeta(fileName, bytes), backup: `${fileName} ${sha256Of(bytes)}` };
}

interface FactsTask extends Pick<Archives, 'hasPoints'> {
  readonly options: RestoreOptions;
  readonly present: Catalog;
}

/** Answers which shard each is from now on that is to be brought. */
async function restoreFacts(
  ports: RestorePorts,
  { databases, users, roles, shards }: RestoreContent,
  { options, present, hasPoints }: FactsTask,
): Promise<ReadonlyMap<number, number>> {
  const { newShardId, filter } = options;
  const { clock, target, out } = ports;
  const [only] = shards;
  if (newShardId !== 0 && only !== undefined) {
    if (!hasPoints(only.id)) throw new DbError('not_found', `the backup has no points of shard ${only.id}`); // prettier-ignore
    await checkTaker(target, present, { newShardId, shard: only });
    return new Map([[filter.shardId, newShardId]]);
  }
  const startMs = clock.monotonicMs();
  const begun = unfinishedOf(present, databases);
  if (begun !== undefined) out(`This restore was interrupted, and goes on: ${begun.shardIds.size} shards are waited for\n`); // prettier-ignore
  out('Restoring meta data... ');
  const made = await orSayError(ports, () => target.restore({ databases: begun?.databases ?? databases, users, roles })); // prettier-ignore
  const ids = new Map([...(begun?.shardIds ?? []), ...made]);
  out(`Done. Restored in ${formatElapsed(clock.monotonicMs() - startMs)}, ${ids.size} shards mapped\n`); // prettier-ignore
  return ids;
}

/** An existing shard that takes one of a backup is of its time, and empty at all owners: what one of them refused others would have. */
async function checkTaker(
  target: RestoreTarget,
  present: Catalog,
  { newShardId, shard }: { readonly newShardId: number; readonly shard: RestoredShard },
): Promise<void> {
  const { startNs, endNs } = placeOf(present, newShardId).group;
  if (shard.startNs < startNs || shard.endNs > endNs)
    throw new DbError('invalid_argument', `shard ${newShardId} is not of the time of shard ${shard.id} of the backup`); // prettier-ignore
  const copies = (await target.survey(present)).get(newShardId) ?? [];
  if (copies.some(({ sizeBytes, isHot }) => sizeBytes > 0 || isHot))
    throw new DbError('conflict', `shard ${newShardId} has points already`);
}

async function orSayError<T>({ out }: RestorePorts, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    out('Error.\n');
    throw error;
  }
}

function placeOf({ databases }: Catalog, shardId: number): ShardPlace {
  const place = databases.shard(shardId);
  if (place !== undefined) return place;
  throw new DbError('shard_not_found', `shard not found for id: ${shardId}`);
}

async function restoreShard(
  ports: RestorePorts,
  { dataNodes }: Catalog,
  { shard, file, place }: Target,
): Promise<void> {
  const { clock, out } = ports;
  const startMs = clock.monotonicMs();
  const nodes = place.shard.owners.map(
    (owner) => dataNodes.find(({ id }) => id === owner)?.tcpAddress ?? '',
  );
  const [from, to] = [shard.id, place.shard.id];
  try {
    await copyPatiently(ports, { file, place, nodes });
  } catch (error) {
    // Dropped meanwhile, or outlived by its policy, as the points of an old backup are soon after they come.
    if ((await ports.target.catalog()).databases.shard(to) === undefined) {
      out(`Restoring shard ${from} to shard ${to}... it was dropped meanwhile\n`);
      return;
    }
    const text = `shard ${from} could not be restored into shard ${to}: ${errorText(error)}`;
    throw new DbError('unavailable', text, { cause: error });
  }
  await ports.target.finish(to);
  const took = formatElapsed(clock.monotonicMs() - startMs);
  out(`Restoring db ${shard.database}, rp ${shard.retentionPolicy}, shard ${from} to shard ${to}...\n${nodes.map((node) => `Copying data to ${node}... `).join('')}Done. Restored shard ${from} into shard ${to} in ${took}, ${file.size} bytes transferred\n`); // prettier-ignore
}

interface CopyTask {
  readonly file: ManifestShard;
  readonly place: ShardPlace;
  readonly nodes: readonly string[];
}

/** Owners that restart are waited for: what they had of the shard is gone then, and it comes from its beginning. */
async function copyPatiently(ports: RestorePorts, task: CopyTask): Promise<void> {
  const { clock, out, ownerWithinMs = ownerWithinMsDefault } = ports;
  let failedAtMs: number | undefined;
  for (;;) {
    const startMs = clock.monotonicMs();
    try {
      await copyToAll(ports, task);
      return;
    } catch (error) {
      const nowMs = clock.monotonicMs();
      // One that took its time has got somewhere: a large shard is not given up by its second break.
      if (failedAtMs === undefined || nowMs - startMs > ownerWithinMs) failedAtMs = nowMs;
      if (!mayComeBack(error) || nowMs - failedAtMs >= ownerWithinMs) throw error;
      if (failedAtMs === nowMs) out(`Waiting for the owners of shard ${task.place.shard.id}: ${errorText(error)}\n`); // prettier-ignore
      await clock.sleep(ownerPollMs);
    }
  }
}

/** A node that is gone, or that has begun anew meanwhile and knows nothing of what was brought. */
function mayComeBack(error: unknown): boolean {
  return isDbError(error) && (breakCodes as readonly string[]).includes(error.code);
}

/** The archive is read once, and checked on the way: its checksum is known before any node takes it. */
async function copyToAll({ store, decompress, target }: RestorePorts, to: CopyTask): Promise<void> {
  const installs: ShardInstall[] = [];
  try {
    for (const node of to.nodes) installs.push(await target.install(node, to.place));
    for await (const { name, sizeBytes, content } of shardFiles(store, to.file, decompress)) {
      await Promise.all(installs.map((one) => one.begin({ name, sizeBytes })));
      for await (const piece of content) await Promise.all(installs.map((one) => one.write(piece)));
    }
    await Promise.all(installs.map((one) => one.commit()));
  } catch (error) {
    // They end by themselves too, where a node is gone.
    await Promise.allSettled(installs.map((one) => one.abort()));
    throw error;
  }
}
