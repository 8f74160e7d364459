/**
 * Marks the delete that a shard is in the midst of in shard.json: a crash half way is made good when the shard is opened, so that
 * a reader sees all of what a delete struck or nothing of it.
 *
 * Invariants:
 * - The mark is durable before the first point goes, and names the files that the delete goes through: what is written later, and
 *   what was written once more above them, is in none of them.
 * - A file that a flush lists while the delete begins to count is named in the same breath (StrikingDelete): it may have points
 *   of batches that came just before it. So is one that a start finds and that was never listed.
 * - While it stands none of these is compacted: what has replaced one would not be named.
 * - It goes once every tombstone is durable, and in the same breath shard.json says what their files are: one that is gone, or has
 *   fewer of them, gives nothing back that was deleted (decision 112).
 * - Where the disk fails it stands, and readers see all points: some of the files may have their tombstones, and none shows them. The node
 *   asks for the rest again and again (data/engine/unended-deletes.ts), and what is said next ends it first (decision 162).
 *
 * Not here: which series a filter means (DeleteFilters).
 */
import type { SelectedSeries, ShardDeletePorts } from '../../engine/delete-points.ts';
import type { Shard } from '../../engine/shard.ts';
import type { TsmFile, TsmSeal } from '../../tsm/tsm-file.ts';
import type { SegmentKeeper } from '../segments/segment-keeper.ts';
import type { ManifestKeeper } from '../shards/manifest-keeper.ts';
import { outdatedSeals, type ShardManifest } from '../shards/shard-manifest.ts';
import type { PendingDelete } from './pending-delete.ts';
import type { DeleteFilters } from './stored-deletes.ts';

/** The parts of an open shard that it takes. */
export interface MarkedShard {
  readonly shard: Shard;
  readonly manifest: ManifestKeeper;
  readonly segments: Pick<SegmentKeeper, 'forget'>;
}

export type FinishPorts = Omit<ShardDeletePorts, 'isDeciding' | 'forget'> & {
  readonly filters: Pick<DeleteFilters, 'select'>;
};

/** A delete with a stamp, while files may come to be that have points older than it. */
export interface StrikingDelete {
  /** Of what these files hold and the delete does not mean, all is in the log once more when it resolves. */
  bringAgain(files: readonly TsmFile[]): Promise<void>;
  /** Of files that are listed: what the mark names of them. */
  namesOf(files: ReadonlyMap<string, TsmSeal>): readonly string[];
}

/** shard.json with files that have come to be listed while `striking` counts: a mark that is there names them too. */
export function withStruckFiles(
  manifest: ShardManifest,
  striking: StrikingDelete | undefined,
): ShardManifest {
  const { pendingDelete } = manifest;
  if (striking === undefined || pendingDelete === undefined) return manifest;
  return {
    ...manifest,
    pendingDelete: { ...pendingDelete, files: striking.namesOf(manifest.files) },
  };
}

/**
 * shard.json with the files that are there and not listed: of a flush that the power cut off, whose points may be older than the
 * delete. What is to stay of them is in the log, as they were never listed.
 */
export function withFoundFiles(manifest: ShardManifest, held: readonly TsmFile[]): ShardManifest {
  const { pendingDelete, files } = manifest;
  if (pendingDelete === undefined) return manifest;
  const found = held.map(nameOf).filter((name) => !files.has(name));
  return {
    ...manifest,
    pendingDelete: { ...pendingDelete, files: [...pendingDelete.files, ...found] },
  };
}

export type MarkedDelete = Omit<PendingDelete, 'files'> & { readonly files: readonly TsmFile[] };

/** Resolves once the mark is durable. */
export function markPending(
  { manifest }: Pick<MarkedShard, 'manifest'>,
  marked: MarkedDelete,
): Promise<void> {
  return manifest.update((one) => ({ ...one, pendingDelete: pendingDeleteOf(marked) }));
}

function pendingDeleteOf({ files, ...meant }: MarkedDelete): PendingDelete {
  return { ...meant, files: files.map(nameOf) };
}

/** All that is deleted is durable. Without a mark, and where nothing has come to be deleted, it does nothing. */
export async function clearPending({
  shard,
  manifest,
}: Pick<MarkedShard, 'shard' | 'manifest'>): Promise<void> {
  const { manifest: known } = manifest;
  if (known.pendingDelete === undefined && outdatedSeals(known, shard.files).length === 0) return;
  await manifest.update(({ pendingDelete: _, ...rest }) => ({
    ...rest,
    files: new Map([...rest.files, ...outdatedSeals(rest, shard.files)]),
  }));
}

/** Does the rest of a delete that was cut off. Throws what the disk says; asked again it goes on. */
export async function finishPending(marked: MarkedShard, ports: FinishPorts): Promise<void> {
  const { shard, manifest, segments } = marked;
  const { pendingDelete } = manifest.manifest;
  if (pendingDelete === undefined) return;
  const { filter, files: names, minTimeNs, maxTimeNs } = pendingDelete;
  const files = shard.files.filter((file) => names.includes(nameOf(file)));
  const view = shard.view();
  try {
    const selected: SelectedSeries[] = [];
    for await (const one of ports.filters.select(filter, view)) selected.push(one);
    const request = { selected, range: { minTimeNs, maxTimeNs }, files };
    await shard.deletePoints(view, request, {
      ...ports,
      // What is in memory, if anything is, was written later.
      isDeciding: () => true,
      forget: (run) => segments.forget(run),
    });
  } finally {
    view.release();
  }
  await clearPending(marked);
}

export function nameOf({ path }: Pick<TsmFile, 'path'>): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
