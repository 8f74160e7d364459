/**
 * `influxd import-oss`: the `data`, `wal` and `meta` folders of a stopped InfluxDB become what this data node has (spec F87).
 *
 * Order: all is read and checked; the record says `begun`; one shard after the other gets its folder; the record says
 * `ready`, with the databases, which the node hands to its cluster (services/import-hand-over.ts). Cut off anywhere it goes
 * on when it is run again; done, it says so.
 *
 * Invariant: what is imported is what the InfluxDB had when this began: where its files are others at the end, or when it is run
 * again, it ends, or begins anew.
 */
import { crc32 } from 'node:zlib';
import { DbError } from '../../base/errors.ts';
import type { Disk } from '../../env/disk.ts';
import type { Log } from '../../env/log.ts';
import { lockFolders } from '../../env/lock-folders.ts';
import { makeDurableDir } from '../../env/make-durable-dir.ts';
import { CatalogCache } from '../../meta/client/catalog-cache.ts';
import { readIdentity } from '../../meta/client/identity-file.ts';
import {
  importRecordPath,
  importRecordVersion,
  readImportRecord,
  writeImportRecord,
  type ImportContent,
  type ImportRecord,
} from '../../meta/client/import-record.ts';
import {
  deletedSuffix,
  folderOf,
  placesIn,
  type ShardPlace,
} from '../../storage/store/shards/open-shards.ts';
import { parseSegmentName } from '../../storage/wal/segment-name.ts';
import { importContent } from '../../backup/import-content.ts';
import { decodeMeta } from '../../backup/influx-meta.ts';
import type { InfluxMeta } from '../../meta/codec/meta-message.ts';
import type { NodeFolders, OfflineFlags, OfflinePorts } from './offline-ports.ts';
import { importUsage } from './offline-syntax.ts';
import { placeShard, surveyShard, type ShardSurvey } from './place-shard.ts';
import { filesOf, mustBeThere, unknownShards, type SourceFolders, type SourceShard } from './source-folders.ts'; // prettier-ignore

const idOffsetMax = 2 ** 40;

interface Plan {
  readonly source: SourceFolders;
  readonly metaCrc32: number;
  readonly content: ImportContent;
  readonly shards: readonly PlannedShard[];
}

interface PlannedShard extends SourceShard {
  /** Here. */
  readonly newId: number;
  readonly survey: ShardSurvey;
}

export async function importInflux(
  ports: OfflinePorts,
  node: NodeFolders,
  flags: OfflineFlags,
): Promise<void> {
  const source = sourceOf(flags);
  // Its log may be on another disk: without it what is in no file yet would be lost, and nobody told.
  await mustBeThere(ports.disk, [source.data, source.wal, source.meta]);
  if (source.data === node.data)
    throw new DbError('invalid_argument', `${node.data} is the data folder of this node: move the InfluxDB's elsewhere first`); // prettier-ignore
  const idOffset = idOffsetOf(flags);
  const { meta, metaCrc32 } = await readMeta(ports, source);
  const content = importContent(meta, { idOffset });
  const shards: PlannedShard[] = [];
  for (const shard of shardsOf(content)) {
    const survey = await surveyShard(ports.disk, await filesOf(ports.disk, source, { ...shard, id: shard.newId - idOffset })); // prettier-ignore
    shards.push({ ...shard, id: shard.newId - idOffset, survey });
  }
  const plan = { source, metaCrc32, content, shards };
  await printPlan(ports, plan);
  if (flags.has('dry-run')) {
    ports.out('Nothing was changed: this was a dry run.\n');
    return;
  }
  const lock = await lockFolders(ports.disk, [node.data, node.wal, node.meta]);
  try {
    await carryOut(ports, node, plan);
  } finally {
    await lock.release();
  }
}

function sourceOf(flags: OfflineFlags): SourceFolders {
  const from = flags.text('from').replace(/(?<=.)\/+$/, '');
  const folder = (flag: string, name: string): string => {
    const given = flags.text(flag).replace(/(?<=.)\/+$/, '');
    if (given === '' && from === '')
      throw new DbError('invalid_argument', `-from or -${flag} is required\n\n${importUsage}`);
    return given === '' ? `${from}/${name}` : given;
  };
  return { data: folder('data-dir', 'data'), wal: folder('wal-dir', 'wal'), meta: folder('meta-dir', 'meta') }; // prettier-ignore
}

function idOffsetOf(flags: OfflineFlags): number {
  const text = flags.text('id-offset');
  const value = Number(text === '' ? '0' : text);
  if (Number.isSafeInteger(value) && value >= 0 && value <= idOffsetMax) return value;
  throw new DbError(
    'invalid_argument',
    `-id-offset: ${text} is no number from 0 to ${idOffsetMax}`,
  );
}

async function readMeta(
  { disk }: OfflinePorts,
  source: SourceFolders,
): Promise<{ readonly meta: InfluxMeta; readonly metaCrc32: number }> {
  const path = `${source.meta}/meta.db`;
  const bytes = await disk.readFile(path);
  return { meta: decodeMeta(path, bytes), metaCrc32: crc32(bytes) };
}

/** In the order of the ids. */
function shardsOf({ databases }: ImportContent): readonly Omit<PlannedShard, 'survey' | 'id'>[] {
  const shards = databases.flatMap(({ name: database, retentionPolicies }) =>
    retentionPolicies.flatMap(({ name: policy, shardGroups }) =>
      shardGroups.flatMap((group) =>
        group.shards.map(({ id: newId }) => ({ database, policy, newId })),
      ),
    ),
  );
  return shards.sort((a, b) => a.newId - b.newId);
}

async function printPlan(
  { disk, out }: OfflinePorts,
  { source, content, shards }: Plan,
): Promise<void> {
  for (const { name, retentionPolicies, continuousQueries = [] } of content.databases) {
    out(`database ${name}: ${count(continuousQueries.length, 'continuous query', 'continuous queries')}\n`); // prettier-ignore
    for (const policy of retentionPolicies) {
      const own = shards.filter((one) => one.database === name && one.policy === policy.name);
      const sum = (of: (survey: ShardSurvey) => number): number =>
        own.reduce((total, { survey }) => total + of(survey), 0);
      const subscriptions = count(policy.subscriptions?.length ?? 0, 'subscription');
      out(`  policy ${policy.name}: ${count(own.length, 'shard')}, ${count(sum((one) => one.tsmCount), 'TSM file')} of ${sum((one) => one.tsmBytes)} bytes, ${count(sum((one) => one.tombstoneCount), 'file')} of tombstones, ${count(sum((one) => one.logValueCount), 'value')} in the log, ${subscriptions}\n`); // prettier-ignore
    }
  }
  for (const { name, isAdmin } of content.users) out(`user ${name}${isAdmin ? ' (admin)' : ''}\n`);
  for (const { survey } of shards)
    for (const damage of survey.logDamage)
      out(`warning: ${damage}: the log ends there, as it would have for InfluxDB\n`);
  for (const shard of shards)
    for (const path of (await filesOf(disk, source, shard)).badPaths)
      out(`warning: ${path} was set aside by InfluxDB, and is not imported\n`);
  const known = new Set(shards.map(({ database, policy, id }) => `${database}/${policy}/${id}`));
  for (const key of await unknownShards(disk, source, known))
    out(`left out: ${source.data}/${key} ${key.startsWith('_internal/') ? 'is what InfluxDB measured of itself' : 'is of no shard in meta.db'}\n`); // prettier-ignore
}

async function carryOut(ports: OfflinePorts, node: NodeFolders, plan: Plan): Promise<void> {
  const { disk, out } = ports;
  const { source, metaCrc32, content, shards } = plan;
  await disk.makeDir(node.meta);
  const filesCrc32 = await filesCrc32Of(disk, plan);
  const known = await readImportRecord(disk, node.meta);
  if (known !== undefined && (await isOver(ports, node, { plan, known, filesCrc32 }))) return;
  if (known === undefined) await refuseUsedFolders(ports, node);
  const record: ImportRecord = {
    version: importRecordVersion,
    state: 'begun',
    source: source.data,
    metaCrc32,
    filesCrc32,
    content: undefined,
  };
  await writeImportRecord(disk, node.meta, record);
  for (const shard of shards) {
    const { database, policy: retentionPolicy, newId: shardId } = shard;
    const folder = folderOf(node.data, { database, retentionPolicy, shardId });
    await placeShard(disk, await filesOf(disk, source, shard), { folder });
  }
  if ((await filesCrc32Of(disk, plan)) !== filesCrc32)
    throw new DbError('conflict', `${source.data}: its files have changed while they were read: stop the InfluxDB, and run this again`); // prettier-ignore
  await writeImportRecord(disk, node.meta, { ...record, state: 'ready', content });
  out(`Imported ${count(content.databases.length, 'database')} with ${count(shards.length, 'shard')}. Start the node, and add it to its cluster if it is not of one yet:\n  influxd-ctl add-data HOST:8088\n`); // prettier-ignore
}

/** The names and lengths of all there is to import, and the ids that it gets. */
async function filesCrc32Of(disk: Disk, { source, metaCrc32, shards }: Plan): Promise<number> {
  let sum = metaCrc32;
  for (const shard of shards) {
    const { tsmPaths, tombstonePaths, segmentPaths } = await filesOf(disk, source, shard);
    const paths = [...tsmPaths, ...tombstonePaths, ...segmentPaths];
    const files: unknown[] = [];
    for (const path of paths) files.push(path.slice(path.lastIndexOf('/')), await disk.size(path));
    sum = crc32(JSON.stringify([shard.newId, files]), sum);
  }
  return sum;
}

/**
 * Whether there is nothing left to do, by what an earlier import has left. Of one that the cluster has not been given yet, and that was of
 * other files or gave other ids, nothing is kept: this one begins anew.
 */
async function isOver(
  { disk, out }: OfflinePorts,
  node: NodeFolders,
  { plan, known, filesCrc32 }: { readonly plan: Plan; readonly known: ImportRecord; readonly filesCrc32: number }, // prettier-ignore
): Promise<boolean> {
  const { source, metaCrc32 } = plan;
  const isSame = known.filesCrc32 === undefined ? known.metaCrc32 === metaCrc32 : known.filesCrc32 === filesCrc32; // prettier-ignore
  const isWhole = known.state !== 'begun';
  if (isSame && isWhole) out('All of it was imported before.\n');
  if (isSame) return isWhole;
  if (known.source !== source.data && known.metaCrc32 !== metaCrc32)
    throw new DbError('conflict', `${importRecordPath(node.meta)}: another import, of ${known.source}, was made into this node`); // prettier-ignore
  const places = await placesOf(disk, node, known);
  if (places === undefined)
    throw new DbError('conflict', `${source.data} was imported before, and its files, or the ids asked for, are not those of then: what was written since is not here (take it as line protocol: influx_inspect export)`); // prettier-ignore
  out(`What was imported of ${known.source} before is taken back: its files, or the ids asked for, are others now.\n`); // prettier-ignore
  // A node does not start on a part, whenever this ends.
  await writeImportRecord(disk, node.meta, { ...known, state: 'begun' });
  for (const place of places) await takeBack(disk, folderOf(node.data, place));
  return false;
}

/** What may be taken back; undefined where a cluster has it. Throws `conflict` where nobody knows. */
async function placesOf(
  disk: Disk,
  { data, meta }: NodeFolders,
  { state, content, isSent }: ImportRecord,
): Promise<readonly ShardPlace[] | undefined> {
  if (state === 'done') return undefined;
  const found = await placesIn(disk, data);
  if ((await readIdentity(disk, meta)) === undefined) return found;
  if (isSent === true) throw new DbError('conflict', `${importRecordPath(meta)}: whether the cluster has taken what was imported is not known yet: start the node, its log says so`); // prettier-ignore
  const log = { warn: () => undefined } as unknown as Log;
  const { databases } = await new CatalogCache({ disk, log }, meta).read();
  const isOfCluster = ({ shardId, database, retentionPolicy }: ShardPlace): boolean => {
    const known = databases.shard(shardId);
    return known?.database === database && known.retentionPolicy === retentionPolicy;
  };
  const imported = found.filter((place) => isImported(content, place));
  return imported.some(isOfCluster) ? undefined : imported;
}

function isImported(content: ImportContent | undefined, place: ShardPlace): boolean {
  const { shardId, database, retentionPolicy } = place;
  const found = content?.databases.find(({ name }) => name === database);
  const policy = found?.retentionPolicies.find(({ name }) => name === retentionPolicy);
  return policy?.shardGroups.some(({ shards }) => shards.some(({ id }) => id === shardId)) === true;
}

/** Leaves an empty folder by the name of a shard that was deleted: a node that has started meanwhile strikes it off its list by that. */
async function takeBack(disk: Disk, folder: string): Promise<void> {
  const deleted = `${folder}${deletedSuffix}`;
  await disk.removeTree(deleted);
  await disk.rename(folder, deleted);
  await disk.removeTree(deleted);
  await makeDurableDir(disk, deleted);
}

/** A node that has shards, or a log, has ids of its own. */
async function refuseUsedFolders(
  { disk }: OfflinePorts,
  { data, wal }: NodeFolders,
): Promise<void> {
  const [place] = await placesIn(disk, data);
  if (place !== undefined)
    throw new DbError('conflict', `${folderOf(data, place)} is there already: an import is into a data node without shards`); // prettier-ignore
  const segment = (await disk.list(wal)).find(({ name }) => parseSegmentName(name) !== undefined);
  if (segment !== undefined && ((await disk.size(`${wal}/${segment.name}`)) ?? 0) > 0)
    throw new DbError('conflict', `${wal}/${segment.name} is there already: an import is into a data node without points`); // prettier-ignore
}

function count(value: number, singular: string, plural = `${singular}s`): string {
  return `${value} ${value === 1 ? singular : plural}`;
}
