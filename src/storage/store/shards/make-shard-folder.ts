import type { Disk } from '../../../env/disk.ts';
import type { DurableFolders } from '../../../env/durable-folders.ts';
import { newSuffix } from './open-shards.ts';
import { writeManifest, type ManifestCopy } from './shard-manifest.ts';

/**
 * Makes the folder of a shard, durable once resolved. The records up to `sequence` are of a shard of that id that was deleted:
 * they stay needless, whenever power is lost. With `copy` it is one that waits for what another node has of it.
 */
export async function makeShardFolder(
  { disk, folders }: { readonly disk: Disk; readonly folders: DurableFolders },
  folder: string,
  { sequence, copy }: { readonly sequence: number; readonly copy: ManifestCopy | undefined },
): Promise<void> {
  if (sequence === 0 && copy === undefined) {
    await folders.make(folder);
    return;
  }
  const fresh = `${folder}${newSuffix}`;
  await disk.removeTree(fresh);
  try {
    await folders.make(fresh);
    await writeManifest(disk, fresh, { flushedSequence: sequence, files: new Map(), copy });
  } catch (error) {
    // Whoever wanted the shard may not ask again, as where a restore is given up.
    await disk.removeTree(fresh).catch(() => undefined);
    throw error;
  }
  await disk.rename(fresh, folder);
  try {
    await disk.syncDir(folder.slice(0, folder.lastIndexOf('/')));
  } catch (error) {
    // No folder takes the place of one that holds something: the next attempt must find the place free.
    await disk.rename(folder, fresh).catch(() => undefined);
    throw error;
  }
}
