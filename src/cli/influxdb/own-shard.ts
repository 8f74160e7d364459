/** A shard's folder of ours, and what the log has beyond it, as files that stand by themselves. */
import { exactBytesOf } from '../../base/exact-text.ts';
import { DbError } from '../../base/errors.ts';
import type { Disk } from '../../env/disk.ts';
import { rowsInOrder } from '../../models/batch-rows.ts';
import type { PointBatch } from '../../models/point-batch.ts';
import { isRefused } from '../../storage/engine/limits/refused-rows.ts';
import { GatheredPoints } from '../../storage/import/gathered-points.ts';
import { markName, readMark } from '../../storage/store/log/damage-mark.ts';
import { readManifest } from '../../storage/store/shards/shard-manifest.ts';
import { tsmKey, tsmName, tsmNameOf } from '../../storage/tsm/tsm-format.ts';
import { TsmScan } from '../../storage/tsm/tsm-scan.ts';
import { parseSegmentName } from '../../storage/wal/segment-name.ts';
import type { WalRecord } from '../../storage/wal/wal-record.ts';
import { readOwnLog } from '../inspect/folders/export-sources.ts';
import { ShardLog } from '../inspect/folders/shard-log.ts';
import { binaryOf } from '../inspect/output/print-values.ts';

export interface HealthyFiles {
  /** TSM files and tombstones. */
  readonly files: readonly string[];
  readonly log: ShardLog;
  /** Of the newest. */
  readonly generation: number;
}

/** Throws `corrupt` with the path when the shard lacks something, as one that awaits the files of another owner does, or a file is not what it was when it was written. */
export async function healthyFiles(disk: Disk, folder: string): Promise<HealthyFiles> {
  const mark = await readMark(disk, folder);
  if (mark !== undefined) throw new DbError('corrupt', `${folder}/${markName}: ${mark}`);
  const manifest = await readManifest(disk, folder);
  const { files: sealed, gone = [], copy } = manifest;
  if (copy?.isWhole === false) throw new DbError('corrupt', `${folder}: what another owner has of it has not come yet`); // prettier-ignore
  const names = (await disk.list(folder)).map(({ name }) => name);
  const bad = names.find((name) => name.endsWith('.bad'));
  if (bad !== undefined) throw new DbError('corrupt', `${folder}/${bad}: set aside as damaged`);
  for (const [name, seal] of sealed) {
    const path = `${folder}/${name}`;
    if (!names.includes(name)) throw new DbError('corrupt', `${path}: the file is gone`);
    if (!(await TsmScan.isFileSealed(disk, path, seal))) throw new DbError('corrupt', `${path}: the index is not what it was when it was written`); // prettier-ignore
  }
  const files = names.filter((name) => {
    const tsm = name.replace(/\.tombstone$/, '.tsm');
    return tsmNameOf(tsm) !== undefined && !gone.includes(tsm);
  });
  const generation = Math.max(0, ...files.map((name) => tsmNameOf(name)?.generation ?? 0));
  return { files, log: new ShardLog(manifest), generation };
}

/** Writes what counts of the shard's records that are in no file to files of later generations in `folder`. */
export async function writeOwnLog(
  disk: Disk,
  { walFolder, shardId, log }: { readonly walFolder: string; readonly shardId: number; readonly log: ShardLog }, // prettier-ignore
  to: { readonly folder: string; readonly generation: number },
): Promise<void> {
  const points = new GatheredPoints();
  let { generation } = to;
  const write = async (): Promise<void> => {
    const name = tsmName({ generation: ++generation, sequence: 1 });
    await points.write(await disk.open(`${to.folder}/${name}`, 'create'));
  };
  for (const { name } of await disk.list(walFolder)) {
    if (parseSegmentName(name) === undefined) continue;
    await readOwnLog(disk, `${walFolder}/${name}`, async (record) => {
      if (record.shardId !== shardId) return;
      const batch = log.take(record);
      if (batch !== undefined) gather(points, batch, record);
      if (points.isFull) await write();
    });
  }
  if (!points.isEmpty) await write();
}

function gather(points: GatheredPoints, batch: PointBatch, { rejectBitmap }: WalRecord): void {
  const { offsets, bytes } = batch.series;
  for (const { shape, row } of rowsInOrder(batch)) {
    if (isRefused(rejectBitmap, shape.ordinals[row] ?? 0)) continue;
    const number = shape.series[row] ?? 0;
    const series = binaryOf(bytes.subarray(offsets[number], offsets[number + 1]));
    for (const [i, { name, type }] of shape.fields.entries()) {
      const values = shape.columns[i];
      if (values === undefined) continue;
      const key = tsmKey(series, binaryOf(exactBytesOf(name)));
      points.addRow(key, type, { timeNs: shape.timesNs[row] ?? 0n, values, row });
    }
  }
}
