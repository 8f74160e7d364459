/**
 * `influxd export-oss`: what a stopped data node has as the `data`, `wal` and `meta` folders of an InfluxDB 1.x: TSM files as
 * they are, linked or copied, what is in the log alone as files behind them, and the databases in meta/meta.db.
 *
 * A node has the shards that it owns, and now and then what is left of one that has moved on, which is none of its own. Where others own more, it is run on each of them with the same folder: ids of shards
 * are those of the cluster, and one that is there already is left as it is.
 */
import { relative } from 'node:path/posix';
import { DbError, errorText, isDbError } from '../../base/errors.ts';
import type { Disk } from '../../env/disk.ts';
import { lockFolders } from '../../env/lock-folders.ts';
import type { Log } from '../../env/log.ts';
import { makeDurableDir } from '../../env/make-durable-dir.ts';
import { CatalogCache } from '../../meta/client/catalog-cache.ts';
import { readIdentity } from '../../meta/client/identity-file.ts';
import type { Catalog } from '../../meta/model/catalog.ts';
import {
  folderOf,
  newSuffix,
  placesIn,
  type ShardPlace,
} from '../../storage/store/shards/open-shards.ts';
import { exportContent, usersWithoutPassword } from '../../backup/export-content.ts';
import { decodeMeta, encodeMeta } from '../../backup/influx-meta.ts';
import type { NodeFolders, OfflineFlags, OfflinePorts } from './offline-ports.ts';
import { exportUsage } from './offline-syntax.ts';
import { linkOrCopy } from './place-shard.ts';
import { healthyFiles, writeOwnLog } from './own-shard.ts';

export async function exportFolders(
  ports: OfflinePorts,
  node: NodeFolders,
  flags: OfflineFlags,
): Promise<void> {
  const { disk, out } = ports;
  const target = flags.text('out').replace(/(?<=.)\/+$/, '');
  if (target === '') throw new DbError('invalid_argument', `-out is required\n\n${exportUsage}`);
  refuseOwn(target, node);
  const lock = await lockFolders(disk, [node.data, node.wal, node.meta]);
  try {
    const catalog = await catalogOf(ports, node.meta);
    const database = flags.text('database');
    if (database !== '' && catalog.databases.get(database) === undefined)
      throw new DbError('database_not_found', `database not found: ${database}`);
    await refuseOther(disk, target, catalog);
    for (const folder of ['data', 'wal', 'meta']) await makeDurableDir(disk, `${target}/${folder}`);
    const nodeId = await nodeIdIn(disk, node.meta);
    const damage = await exportShards(ports, { node, target }, wantedOf(catalog, database, nodeId));
    await disk.replaceFile(`${target}/meta/meta.db`, encodeMeta(exportContent(catalog, database)));
    for (const name of usersWithoutPassword(catalog))
      out(`user ${name} has a password that InfluxDB cannot check: set it again there\n`);
    if (damage !== undefined) throw damage;
  } finally {
    await lock.release();
  }
}

/** What the node last heard of its cluster. Throws `conflict` for a node that is of none. */
async function catalogOf({ disk, out }: OfflinePorts, folder: string): Promise<Catalog> {
  const warn: Log['warn'] = (message, fields = {}) => {
    out(`warning: ${message}: ${Object.values(fields).join(': ')}\n`);
  };
  const catalog = await new CatalogCache({ disk, log: { warn } as Log }, folder).read();
  if (catalog.clusterId !== 0n) return catalog;
  throw new DbError(
    'conflict',
    `${folder}/catalog: this node knows of no cluster, and so of no database`,
  );
}

/** A node would find a meta.db, or a database, that is none of its own, and nothing would have been exported. */
function refuseOwn(target: string, { data, wal, meta }: NodeFolders): void {
  for (const own of [data, wal, meta])
    for (const name of ['data', 'wal', 'meta'])
      if (isWithin(`${target}/${name}`, own) || isWithin(own, `${target}/${name}`))
        throw new DbError('invalid_argument', `${target}: ${own} is a folder of this node: export to another one`); // prettier-ignore
}

function isWithin(path: string, folder: string): boolean {
  return !/^\.\.(\/|$)/.test(relative(folder, path));
}

/** Folders of another cluster, or of an InfluxDB that has gone on from here, are not mixed with these. */
async function refuseOther(disk: Disk, target: string, { clusterId }: Catalog): Promise<void> {
  const path = `${target}/meta/meta.db`;
  if ((await disk.size(path)) === undefined) return;
  const meta = decodeMeta(path, await disk.readFile(path));
  if (meta.clusterId !== clusterId)
    throw new DbError('conflict', `${path}: these are the folders of another InfluxDB`);
}

/** 0 where nobody knows: what there is is exported then. */
async function nodeIdIn(disk: Disk, folder: string): Promise<number> {
  try {
    return (await readIdentity(disk, folder))?.nodeId ?? 0;
  } catch (error) {
    if (!isDbError(error, 'corrupt')) throw error;
    return 0;
  }
}

function wantedOf(
  catalog: Catalog,
  database: string,
  nodeId: number,
): (place: ShardPlace) => boolean {
  return (place) => {
    const known = catalog.databases.shard(place.shardId);
    const isKnown = known?.database === place.database && known.retentionPolicy === place.retentionPolicy; // prettier-ignore
    const { owners = [] } = known?.shard ?? {};
    const isOwn = nodeId === 0 || owners.length === 0 || owners.includes(nodeId);
    return isKnown && isOwn && (database === '' || place.database === database);
  };
}

/** What is damaged is told and left out; the first such is what the command ends with. */
async function exportShards(
  { disk, out }: OfflinePorts,
  { node, target }: { readonly node: NodeFolders; readonly target: string },
  isWanted: (place: ShardPlace) => boolean,
): Promise<DbError | undefined> {
  let damage: DbError | undefined;
  let [shardCount, leftCount] = [0, 0];
  for (const place of await placesIn(disk, node.data)) {
    if (!isWanted(place)) continue;
    const { database, retentionPolicy, shardId } = place;
    const folder = `${target}/data/${database}/${retentionPolicy}/${shardId}`;
    if ((await disk.size(folder)) !== undefined) {
      leftCount++;
      continue;
    }
    try {
      await exportShard(disk, { node, place, folder });
      shardCount++;
    } catch (error) {
      if (!isDbError(error, 'corrupt')) throw error;
      damage ??= error;
      out(`left out: ${errorText(error)}\n`);
    }
  }
  out(`Exported ${shardCount} shards to ${target}\n`);
  if (leftCount > 0) out(`${leftCount} shards were there, and are as they were exported then: what has come to them since is in a new folder alone\n`); // prettier-ignore
  return damage;
}

async function exportShard(
  disk: Disk,
  at: { readonly node: NodeFolders; readonly place: ShardPlace; readonly folder: string },
): Promise<void> {
  const { node, place, folder } = at;
  const own = folderOf(node.data, place);
  const fresh = `${folder}${newSuffix}`;
  const { files, log, generation } = await healthyFiles(disk, own);
  await disk.removeTree(fresh);
  await makeDurableDir(disk, fresh);
  for (const name of files) await linkOrCopy(disk, `${own}/${name}`, `${fresh}/${name}`);
  await writeOwnLog(disk, { walFolder: node.wal, shardId: place.shardId, log }, { folder: fresh, generation }); // prettier-ignore
  await disk.syncDir(fresh);
  await disk.rename(fresh, folder);
  await disk.syncDir(folder.slice(0, folder.lastIndexOf('/')));
}
