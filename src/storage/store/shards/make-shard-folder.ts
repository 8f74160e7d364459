import type { Disk } from '../../../env/disk.ts';
import type { DurableFolders } from '../../../env/durable-folders.ts';
import { newSuffix } from './open-shards.ts';
import { manifestName, writeManifest, type ManifestCopy } from './shard-manifest.ts';

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
  // Of an attempt that could not be undone: no folder takes the place of one that holds something.
  const left = await disk.list(folder);
  if (left.every(({ name }) => name === manifestName)) await disk.removeTree(folder);
  await disk.rename(fresh, folder);
  try {
    await disk.syncDir(folder.slice(0, folder.lastIndexOf('/')));
  } catch (error) {
    // The next attempt is to find the place free.
    await disk.rename(folder, fresh).catch(() => undefined);
    throw error;
  }
}
