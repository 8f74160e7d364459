import type { Disk } from '../../env/disk.ts';
import { makeDurableDir } from '../../env/make-durable-dir.ts';
import { newSuffix } from './open-shards.ts';
import { writeManifest } from './shard-manifest.ts';

/**
 * Makes the folder of a shard, durable once resolved. The records up to `sequence` are of a shard of that id that was deleted:
 * they stay needless, whenever power is lost.
 */
export async function makeShardFolder(disk: Disk, folder: string, sequence: number): Promise<void> {
  if (sequence === 0) {
    await makeDurableDir(disk, folder);
    return;
  }
  const fresh = `${folder}${newSuffix}`;
  await disk.removeTree(fresh);
  await makeDurableDir(disk, fresh);
  await writeManifest(disk, fresh, { flushedSequence: sequence, files: new Map() });
  await disk.rename(fresh, folder);
  await disk.syncDir(folder.slice(0, folder.lastIndexOf('/')));
}
