import { isDbError } from '../../../base/errors.ts';
import type { Disk } from '../../../env/disk.ts';
import { folderOf, placesIn } from '../shards/open-shards.ts';
import { readManifest } from '../shards/shard-manifest.ts';

/**
 * Up to where records of shards that other workers are home of are in files: segments hold shards of several workers
 * after the number of workers has changed, and each worker knows of its own shards only. What shard.json says is durable,
 * so that it may be relied on whatever its worker does meanwhile. Nothing of a shard without a folder is needed any more,
 * unless its folder is missed; of one that does not tell, all is.
 */
export async function flushedElsewhere(
  disk: Disk,
  { dataFolder, isNeeded }: { readonly dataFolder: string; readonly isNeeded: (shardId: number) => boolean }, // prettier-ignore
  shardIds: ReadonlySet<number>,
): Promise<ReadonlyMap<number, number>> {
  // The usual case: no segment is shared.
  if (shardIds.size === 0) return new Map();
  const sequences = new Map<number, number>();
  for (const shardId of shardIds)
    sequences.set(shardId, isNeeded(shardId) ? 0 : Number.MAX_SAFE_INTEGER);
  for (const place of await placesIn(disk, dataFolder)) {
    if (!shardIds.has(place.shardId)) continue;
    sequences.set(place.shardId, await flushedOf(disk, folderOf(dataFolder, place)));
  }
  return sequences;
}

async function flushedOf(disk: Disk, folder: string): Promise<number> {
  try {
    return (await readManifest(disk, folder)).flushedSequence;
  } catch (error) {
    if (isDbError(error)) return 0;
    throw error;
  }
}
