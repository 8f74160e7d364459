import type { Disk } from '../../../env/disk.ts';
import { Slices, type SlicePorts } from '../../../env/slices.ts';
import { PageCache } from '../../pages/page-cache.ts';
import { BlockSweep } from '../../tsm/block-sweep.ts';
import { TsmFile } from '../../tsm/tsm-file.ts';
import { readManifest } from '../shards/shard-manifest.ts';

/** Parts of an index are read past it; pages that lead there are few. */
const indexCacheBytes = 1 << 20;

/**
 * Reads all of a TSM file of a snapshot, each block and each part of the index against its sum, in slices: what is copied is what was
 * written, or is not copied. Throws `corrupt` with path and offset; it just ends once nobody wants to know.
 */
export async function checkSnapshotFile(
  ports: SlicePorts & { readonly disk: Disk; readonly isCancelled: () => boolean },
  { folder, name }: { readonly folder: string; readonly name: string },
): Promise<void> {
  const { disk } = ports;
  const { files } = await readManifest(disk, folder);
  const cache = new PageCache(indexCacheBytes);
  const file = await TsmFile.open({ disk, cache }, `${folder}/${name}`, files.get(name));
  try {
    const slices = new Slices(ports);
    const sweep = new BlockSweep(file);
    for (const keyed of file.columnsAndRests()) {
      for (const entry of keyed?.[1].entries() ?? []) sweep.block(entry);
      if ((await slices.next()) && ports.isCancelled()) return;
    }
  } finally {
    await file.close();
  }
}
