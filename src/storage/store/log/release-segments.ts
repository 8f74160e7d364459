import type { Disk } from '../../../env/disk.ts';
import type { WalWriter } from '../../wal/wal-writer.ts';
import { flushedElsewhere } from './flushed-elsewhere.ts';

export interface ReleasePorts {
  readonly disk: Disk;
  readonly dataFolder: string;
  readonly isHome: (shardId: number) => boolean;
  /** Of a shard that is home elsewhere: whether it is to be here, though its folder is missed. */
  readonly isListed: (shardId: number) => boolean;
  /** Of a shard that is home here: whether nobody needs that record of the log any more. */
  readonly isFlushed: (shardId: number, sequence: number) => boolean;
}

/** Lets go of segments of the log whose records are all in files, whichever worker's shards they are of. */
export async function releaseSegments(
  wal: WalWriter,
  { disk, dataFolder, isHome, isListed, isFlushed }: ReleasePorts,
): Promise<void> {
  const foreign = [...wal.closedShardIds()].filter((shardId) => !isHome(shardId));
  const place = { dataFolder, isNeeded: isListed };
  const elsewhere = await flushedElsewhere(disk, place, new Set(foreign));
  await wal.release((shardId, sequence) =>
    isHome(shardId) ? isFlushed(shardId, sequence) : sequence <= (elsewhere.get(shardId) ?? 0),
  );
}
