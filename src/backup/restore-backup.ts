/**
 * Gives a cluster what a backup has (spec F84, F85): first its facts, in one command of the metas, then the shards, each to
 * all of its new owners at once.
 *
 * Invariants:
 * - Nothing of a cluster is changed but by that command, which refuses a database that is there already. Facts too large for one
 *   are several, each of whole databases; before the first it is looked whether any database is there.
 * - A restore that was interrupted, by whatever, goes on when it is asked for again (interrupted-restore.ts): what is whole stays, the
 *   rest is brought from its beginning.
 * - An archive that a manifest names and that is not there refuses the whole, before anything is changed: its shard would be restored as
 *   one without points.
 * - Each database is as it was at the newest backup that is of it, whatever the cluster knew of it at a later one of others.
 * - How shards come to their owners: bring-shards.ts.
 */
import { DbError } from '../base/errors.ts';
import { formatElapsed } from '../influxql/duration.ts';
import { activeDataNodes, type Catalog } from '../meta/model/catalog.ts';
import type { Database } from '../meta/model/database.ts';
import type { ShardPlace } from '../meta/model/databases.ts';
import { decodeBackupMeta, type BackupFacts } from './backup-meta.ts';
import { isBackedUp, isOf, newestOf, type BackupSet } from './backup-set.ts';
import { readWhole } from './backup-store.ts';
import { bringShards, sayDropped, type Target } from './bring-shards.ts';
import { restoreName, unfinishedOf } from './interrupted-restore.ts';
import { contentOf, type Archives, type RestoreChanges, type RestoreContent, type RestoredShard, type RestoreFilter } from './restore-content.ts'; // prettier-ignore
import type { RestorePorts, RestoreTarget } from './restore-target.ts';
import { sha256Of } from './sha256.ts';

export interface RestoreOptions {
  readonly filter: RestoreFilter;
  readonly changes: Omit<RestoreChanges, 'nodeCount' | 'restoredFrom'>;
  /** An existing shard that takes the one of `filter.shardId`; 0 for none. */
  readonly newShardId: number;
  /** As the user gave it. */
  readonly place: string;
}

export async function restoreBackup(
  ports: RestorePorts,
  set: BackupSet,
  options: RestoreOptions,
): Promise<void> {
  const { clock, target, out } = ports;
  const startMs = clock.monotonicMs();
  const { facts: newest, backup } = await readFacts(ports, set);
  const { filter, changes } = options;
  const facts = await withFactsOfTheirOwn(ports, set, { newest, only: filter.database });
  const present = await target.catalog();
  const archives = {
    hasPoints: (id: number) => set.shards.has(id),
    isBackedUp: (database: string, policy?: string) => isBackedUp(set, database, policy),
  };
  const content = contentOf({ ...facts, ...archives }, filter, {
    ...changes,
    nodeCount: activeDataNodes(present).length,
    restoredFrom: restoreName(backup, filter, changes),
  });
  for (const { id } of content.shards) {
    const name = set.lost.get(id);
    // What it had would be as if it had never been, and its shard one without points.
    if (name !== undefined) throw new DbError('not_found', `${name} is not there, which has the points of shard ${id}`); // prettier-ignore
  }
  const newIds = await restoreFacts(ports, content, { ...archives, options, present });
  const catalog = await target.catalog();
  const targets = content.shards.flatMap((shard): Target[] => {
    const [file, newId] = [set.shards.get(shard.id), newIds.get(shard.id)];
    if (newId === undefined) return [];
    const place = catalog.databases.shard(newId);
    if (file !== undefined && place === undefined) sayDropped(ports, shard.id, newId);
    if (file !== undefined && place !== undefined) return [{ shard, file, place }];
    // Of a restore that goes on: nobody could ever read it.
    if (place?.shard.restoreIndex === undefined) return [];
    throw new DbError('not_found', `the archive of shard ${shard.id} is not there any more`);
  });
  await bringShards(ports, catalog, targets);
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
  const silent = await orSayError(ports, () => target.overwrite(facts));
  const { shardCount } = (await target.catalog()).databases;
  const took = (): string => formatElapsed(clock.monotonicMs() - startMs);
  out(`Done. Restored in ${took()}, ${shardCount} shards mapped\n`);
  if (silent.length > 0) out(`Data nodes that go by what was before until they hear of it: ${silent.join(', ')}\n`); // prettier-ignore
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

/**
 * Each database as it was at the newest backup that is of it. Where one was made of another database since, the newest facts have what nobody
 * has backed up: of one that was dropped and made again, shards without any of its points.
 */
async function withFactsOfTheirOwn(
  { store }: RestorePorts,
  { manifests }: BackupSet,
  { newest, only }: { readonly newest: BackupFacts; readonly only: string },
): Promise<BackupFacts> {
  const read = new Map<string, BackupFacts>();
  const databases: Database[] = [];
  for (const database of newest.databases) {
    const own = manifests.find(({ manifest }) => isOf(manifest, database.name));
    const fileName = own === undefined || own === manifests[0] ? undefined : own.manifest.meta.fileName; // prettier-ignore
    if (fileName === undefined || (only !== '' && only !== database.name)) {
      databases.push(database);
      continue;
    }
    const facts = read.get(fileName) ?? decodeBackupMeta(fileName, await readWhole(store, fileName)); // prettier-ignore
    read.set(fileName, facts);
    databases.push(facts.databases.find(({ name }) => name === database.name) ?? database);
  }
  return { ...newest, databases };
}

interface FactsTask extends Pick<Archives, 'hasPoints'> {
  readonly options: RestoreOptions;
  readonly present: Catalog;
}

/** Answers which shard each is from now on that is to be brought. */
async function restoreFacts(
  ports: RestorePorts,
  { databases, users, roles, acl, shards }: RestoreContent,
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
  const made = await orSayError(ports, () => target.restore({ databases: begun?.databases ?? databases, users, roles, acl })); // prettier-ignore
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
