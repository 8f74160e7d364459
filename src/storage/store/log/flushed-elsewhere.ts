import { isDbError } from '../../../base/errors.ts';
import type { Disk } from '../../../env/disk.ts';
import { folderOf, placesIn, type ShardPlace } from '../shards/open-shards.ts';
import { readManifest } from '../shards/shard-manifest.ts';

export interface FlushedElsewherePorts {
  readonly dataFolder: string;
  /** Whether a shard is to be here, though its folder is missed. */
  readonly isListed: (shardId: number) => boolean;
  /** What earlier looks have found, of shards that have a folder; added to. */
  readonly known: Map<number, number>;
}

/** Whether the records of a shard up to this sequence are in files, or not needed. */
export type FlushedElsewhere = (shardId: number, sequence: number) => Promise<boolean>;

/**
 * For one look at shards that other workers are home of: segments hold shards of several workers after the number of workers
 * has changed, or a restart, and each worker knows of its own shards only. What shard.json says is durable, so that it may be
 * relied on whatever its worker does meanwhile. Nothing of a shard without a folder is needed any more, unless its folder is
 * missed; of one that does not tell, all is.
 */
export function flushedElsewhere(
  disk: Disk,
  { dataFolder, isListed, known }: FlushedElsewherePorts,
): FlushedElsewhere {
  let places: Promise<ReadonlyMap<number, ShardPlace>> | undefined;
  return async (shardId, sequence) => {
    if ((known.get(shardId) ?? 0) >= sequence) return true;
    places ??= placesIn(disk, dataFolder).then((found) => new Map(found.map((place) => [place.shardId, place]))); // prettier-ignore
    const place = (await places).get(shardId);
    if (place === undefined) return !isListed(shardId);
    const flushed = await flushedOf(disk, folderOf(dataFolder, place));
    known.set(shardId, flushed);
    return flushed >= sequence;
  };
}

async function flushedOf(disk: Disk, folder: string): Promise<number> {
  try {
    return (await readManifest(disk, folder)).flushedSequence;
  } catch (error) {
    if (isDbError(error)) return 0;
    throw error;
  }
}
