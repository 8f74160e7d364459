/**
 * A snapshot of a shard: second names of its files in a folder beside its own, which nothing changes. It shares their bytes
 * on the disk, and keeps them there until it is removed.
 *
 * Invariants:
 * - it has every point that was acknowledged before it was asked for, and no delete of points in part;
 * - its `shard.json` lists what is in it and nothing else: opened as a shard it is one;
 * - it ends with the run of the node: the next start removes it, so that nothing of it is synced.
 */
import { isDbError } from '../../../base/errors.ts';
import type { Disk } from '../../../env/disk.ts';
import { gonePath } from '../../index/segment-gone.ts';
import { tombstonePath } from '../../tsm/tombstones.ts';
import { flushAll, whileStill, type PointDeletePorts } from '../deletes/point-deletes.ts';
import type { OpenShard } from '../shards/open-shards.ts';
import { manifestName, writeManifest } from '../shards/shard-manifest.ts';

export interface SnapshotFile {
  readonly name: string;
  readonly lengthBytes: number;
}

export interface ShardSnapshot {
  readonly folder: string;
  /** `shard.json` is the last. */
  readonly files: readonly SnapshotFile[];
  /** Milliseconds since the shard was written to, or since the node started. */
  readonly idleMs: number;
}

export interface SnapshotPorts extends Pick<PointDeletePorts, 'flush'> {
  readonly disk: Disk;
  readonly nowMs: () => number;
}

/** Makes one of the shard in `from` as `to`. Throws what the disk says; nothing is left of it then. */
export function takeSnapshot(
  open: OpenShard,
  { from, to }: { readonly from: string; readonly to: string },
  ports: SnapshotPorts,
): Promise<ShardSnapshot> {
  const { disk, nowMs } = ports;
  return whileStill(open, async () => {
    const idleMs = nowMs() - open.lastWriteMs;
    await flushAll(open, ports);
    try {
      await open.segments.still(() => linkFiles(open, { from, to }, disk));
      return { folder: to, files: await filesOf(disk, to), idleMs };
    } catch (error) {
      await disk.removeTree(to).catch(() => undefined);
      throw error;
    }
  });
}

async function linkFiles(
  open: OpenShard,
  { from, to }: { readonly from: string; readonly to: string },
  disk: Disk,
): Promise<void> {
  const { files, segments = new Map<string, never>(), gone: _, copy: __, logMarks: ___, ...rest } = open.manifest.manifest; // prettier-ignore
  await disk.makeDir(to);
  for (const [name, beside] of [
    ...[...files.keys()].map((one) => [one, tombstonePath(one)] as const),
    ...[...segments.keys()].map((one) => [one, gonePath(one)] as const),
  ]) {
    await disk.link(`${from}/${name}`, `${to}/${name}`);
    await linkIfThere(disk, `${from}/${beside}`, `${to}/${beside}`);
  }
  // Of another log than that of whoever takes it.
  await writeManifest(disk, to, { ...rest, files, segments, flushedSequence: 0 });
}

export async function linkIfThere(disk: Disk, from: string, to: string): Promise<void> {
  await disk.link(from, to).catch((error: unknown) => {
    if (!isDbError(error, 'not_found')) throw error;
  });
}

async function filesOf(disk: Disk, folder: string): Promise<readonly SnapshotFile[]> {
  const files: SnapshotFile[] = [];
  for (const { name } of await disk.list(folder)) {
    const lengthBytes = (await disk.size(`${folder}/${name}`)) ?? 0;
    files.push({ name, lengthBytes });
  }
  // Whoever has it has all that it lists.
  return files.sort((a, b) => Number(a.name === manifestName) - Number(b.name === manifestName));
}
