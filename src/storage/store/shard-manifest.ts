import { isDbError } from '../../base/errors.ts';
import type { Disk } from '../../env/disk.ts';

/** `shard.json` in a shard's folder: which records of the log its files hold. */
export interface ShardManifest {
  readonly version: 1;
  /** All records of the shard up to this sequence are in files. */
  readonly flushedSequence: number;
}

const name = 'shard.json';

export async function readManifest(disk: Disk, folder: string): Promise<ShardManifest> {
  try {
    const text = new TextDecoder().decode(await disk.readFile(`${folder}/${name}`));
    return JSON.parse(text) as ShardManifest;
  } catch (error) {
    if (isDbError(error, 'not_found')) return { version: 1, flushedSequence: 0 };
    throw error;
  }
}

export async function writeManifest(
  disk: Disk,
  folder: string,
  manifest: ShardManifest,
): Promise<void> {
  const text = `${JSON.stringify(manifest)}\n`;
  await disk.replaceFile(`${folder}/${name}`, new TextEncoder().encode(text));
}
