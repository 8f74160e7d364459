/**
 * Makes what another node has of a shard this node's, below what came to the shard here meanwhile: of two writes of a point
 * the one that is here stays.
 *
 * The files wait in a folder beside the shard's, whole and durable. Deletes of points that came since the copy was awaited are done
 * to them there, and to them alone: what is in the shard has seen them already. What the shard has, and deletes that the copy has seen
 * mean, is deleted: nothing is done any more for a copy that is taken, also where a crash came right behind that. Then:
 *
 * 1. `shard.json` says that files of their names are gone: a start removes what it finds of them;
 * 2. they get second names in the shard's folder;
 * 3. `shard.json` lists them, and no others: this is the one step that makes them the shard's.
 *
 * Invariants:
 * - A crash at any moment leaves the shard as it was, or with all of them.
 * - Until step 3 nobody reads the shard (store.ts): half a copy is never an answer.
 * - A shard that was not made for a copy takes one only while it has no points, in files or in memory: it would mix two.
 * - Own files are not listed after step 3, as the segments of the copy lack their series: a start learns these, and so does
 *   this run; the next flush lists them again, with an index of them.
 */
import { DbError } from '../../../base/errors.ts';
import type { Stamp } from '../../../models/stamp.ts';
import type { ShardView } from '../../engine/shard-view.ts';
import { stampsOfFile } from '../../engine/compaction/stamped-parts.ts';
import { IndexSegment } from '../../index/index-segment.ts';
import { gonePath } from '../../index/segment-gone.ts';
import type { SegmentSeal } from '../../index/segment-format.ts';
import { TsmFile, type TsmSeal } from '../../tsm/tsm-file.ts';
import { removeTsm, tombstonePath } from '../../tsm/tombstones.ts';
import { tsmName, tsmNameOf } from '../../tsm/tsm-format.ts';
import type { ShardManifest } from '../shards/shard-manifest.ts';
import { isIncoming, openShard, type OpeningPorts, type OpenShard } from '../shards/open-shards.ts';
import { deleteNow, deletePoints, remember, whileStill, type PointDelete, type PointDeletePorts, type StampedDelete } from '../deletes/point-deletes.ts'; // prettier-ignore
import { marksOf, withoutFlushes } from '../log/log-marks.ts';
import type { DeleteFilters, StoredDelete } from '../deletes/stored-deletes.ts';
import { linkIfThere } from './take-snapshot.ts';

export interface InstallRequest {
  /** Of the files, on the file system of the shard's folder. */
  readonly staging: string;
  /** Names the copy. */
  readonly index: number;
  readonly deletes: readonly PointDelete[];
}

export type InstallPorts = OpeningPorts & PointDeletePorts & { readonly filters: DeleteFilters };

/** A file of the copy: what it is called where it waits, and in the shard. */
interface Placed<Seal> {
  readonly from: string;
  readonly name: string;
  readonly seal: Seal;
}

interface Plan {
  readonly files: readonly Placed<TsmSeal>[];
  readonly segments: readonly Placed<SegmentSeal>[];
  /** That the copy has seen. */
  readonly deletes: readonly StoredDelete[];
}

/** Throws what the disk says, and `corrupt` for files that are none; the shard is as before then. */
export async function installShard(
  open: OpenShard,
  folder: string,
  request: InstallRequest,
  ports: InstallPorts,
): Promise<void> {
  let prepared = await prepare(open, request, ports);
  const isTaken = await whileStill(open, async () => {
    // Its folder may be that of one that took its place while the files were looked at.
    if (!ports.isOpen(open)) throw new DbError('shard_not_found', 'shard is deleted');
    // Brought twice, as by two that restore the same, it is taken once.
    const { copy } = open.manifest.manifest;
    if (copy?.isWhole === true && copy.index === request.index) return false;
    // Of a delete that came while the files were looked at they have as much as before it.
    if (hasMissed(open, prepared, ports)) prepared = await prepare(open, request, ports);
    // Before anything is marked as under way: it may refuse.
    const plan = planOf(open, prepared.listed);
    await strikeOwn(open, plan.deletes, ports);
    open.isRebuilding = true;
    open.isTaking = true;
    try {
      await open.segments.replaceAll(async () => {
        await link(open, { staging: request.staging, folder, plan }, ports);
        await take(open, { folder, plan, index: request.index }, ports);
      });
      open.isIndexBehind = true;
    } finally {
      open.isRebuilding = false;
      open.isTaking = false;
    }
    return true;
  });
  if (!isTaken) return;
  await open.flushing?.catch(() => undefined);
  if (ports.isOpen(open)) await ports.flush(open);
}

/** What came here meanwhile and is older than deletes that the copy has seen. */
async function strikeOwn(
  open: OpenShard,
  deletes: readonly StoredDelete[],
  ports: InstallPorts,
): Promise<void> {
  const { shard } = open;
  if (deletes.length > 0) await remember(open, deletes, ports);
  for (const { filter, stamp, ...range } of deletes) {
    const isOlder = (file: TsmFile): boolean => stampsOfFile(file).least < stamp;
    if (shard.memtableBytes === 0 && !shard.files.some(isOlder)) continue;
    const select = (view: ShardView) => ports.filters.select(filter, view);
    await deleteNow(open, { select, range, said: { filter, stamp } }, ports);
  }
}

interface Prepared {
  /** What the copy is where it waits. */
  readonly listed: ShardManifest;
  /** Deletes that have been done to it, by their stamps. */
  readonly seen: ReadonlySet<Stamp>;
}

function hasMissed({ manifest }: OpenShard, { seen }: Prepared, ports: InstallPorts): boolean {
  return awaitingDeletes(manifest.manifest, ports).some(({ said }) => !seen.has(said.stamp));
}

/** Opens the copy where it waits, which checks it and indexes what has no index, and deletes from it what is to be. */
async function prepare(
  { place, manifest }: OpenShard,
  { staging, deletes }: InstallRequest,
  ports: InstallPorts,
): Promise<Prepared> {
  const staged = await openShard(ports, staging, { place, nowMs: ports.clock.monotonicMs() });
  try {
    if (staged.isIndexBehind) throw new DbError('disk_full', `${staging}: the index could not be written`); // prettier-ignore
    const own = { ...ports, flush: () => Promise.resolve(), isOpen: () => true };
    // The source has seen those that it remembers, and knows better what was written after them.
    const seen = new Set(staged.manifest.manifest.deletes?.map(({ stamp }) => stamp));
    for (const request of [...deletes, ...awaitingDeletes(manifest.manifest, ports)]) {
      if (request.said !== undefined && seen.has(request.said.stamp)) continue;
      await deletePoints(staged, request, own);
      if (request.said !== undefined) seen.add(request.said.stamp);
    }
    return { listed: staged.manifest.manifest, seen };
  } finally {
    await staged.shard.close();
  }
}

/** Those that came while a copy was awaited and none was under way, as before a restart: its source may not have heard of them. */
function awaitingDeletes(
  manifest: ShardManifest,
  { filters }: InstallPorts,
): readonly StampedDelete[] {
  // prettier-ignore
  if (!isIncoming(manifest)) return [];
  return (manifest.deletes ?? []).map(({ filter, stamp, ...range }) => ({
    select: (view) => filters.select(filter, view),
    range,
    said: { filter, stamp },
  }));
}

function planOf(open: OpenShard, listed: ShardManifest): Plan {
  const names = [...listed.files].sort(([a], [b]) => (a < b ? -1 : 1));
  const generationOf = (path: string): number =>
    tsmNameOf(path.slice(path.lastIndexOf('/') + 1))?.generation ?? 0;
  const { files: own, memtableBytes } = open.shard;
  const hasPoints = own.length > 0 || memtableBytes > 0;
  // A shard that was made for a copy has begun its files above the room for it.
  const hasRoom = isIncoming(open.manifest.manifest) && own.every(({ path }) => generationOf(path) > names.length); // prettier-ignore
  if (hasPoints && !hasRoom)
    throw new DbError('conflict', `shard ${open.place.shardId} has points here already`);
  open.generation = Math.max(open.generation, names.length);
  const files = names.map(([from, seal], i) => {
    const sequence = tsmNameOf(from)?.sequence ?? 1;
    return { from, name: tsmName({ generation: i + 1, sequence }), seal };
  });
  const segments = [...(listed.segments ?? [])].map(([from, seal]) => ({ from, name: open.segments.newName(), seal })); // prettier-ignore
  return { files, segments, deletes: listed.deletes ?? [] };
}

async function link(
  open: OpenShard,
  { staging, folder, plan }: { readonly staging: string; readonly folder: string; readonly plan: Plan }, // prettier-ignore
  { disk }: InstallPorts,
): Promise<void> {
  const names = plan.files.map(({ name }) => name);
  await open.manifest.update(({ gone = [], ...rest }) => ({ ...rest, gone: [...gone, ...names] }));
  // Of an attempt that failed.
  for (const name of names) await removeTsm(disk, `${folder}/${name}`);
  for (const { from, name } of plan.files) {
    // In this order: without its tombstones a file would give back what is deleted.
    await linkIfThere(disk, `${staging}/${tombstonePath(from)}`, `${folder}/${tombstonePath(name)}`); // prettier-ignore
    await disk.link(`${staging}/${from}`, `${folder}/${name}`);
  }
  for (const { from, name } of plan.segments) {
    await linkIfThere(disk, `${staging}/${gonePath(from)}`, `${folder}/${gonePath(name)}`);
    await disk.link(`${staging}/${from}`, `${folder}/${name}`);
  }
  await disk.syncDir(folder);
}

async function take(
  open: OpenShard,
  { folder, plan, index }: { readonly folder: string; readonly plan: Plan; readonly index: number },
  ports: InstallPorts,
): Promise<void> {
  const files: TsmFile[] = [];
  const segments: IndexSegment[] = [];
  const discard = async (): Promise<void> => {
    for (const file of files) await file.close();
    for (const segment of segments) segment.retire();
  };
  try {
    for (const { name, seal } of plan.files)
      files.push(await TsmFile.open(ports, `${folder}/${name}`, seal));
    for (const { name, seal } of plan.segments)
      segments.push(await IndexSegment.open(ports, `${folder}/${name}`, seal));
    const names = new Set(plan.files.map(({ name }) => name));
    await open.manifest.update(({ gone = [], ...rest }) => ({
      ...rest,
      files: new Map(plan.files.map(({ name, seal }) => [name, seal])),
      segments: new Map(plan.segments.map(({ name, seal }) => [name, seal])),
      gone: gone.filter((name) => !names.has(name)),
      copy: { index, isWhole: true },
      logMarks: withoutFlushes(marksOf(rest)),
    }));
  } catch (error) {
    await discard();
    throw error;
  }
  if (!ports.isOpen(open)) {
    await discard();
    throw new DbError('shard_not_found', 'shard is deleted');
  }
  const reason = new DbError('corrupt', 'the index is made of that of a copy');
  await open.shard.install({ files, segments }, reason, ports);
}
