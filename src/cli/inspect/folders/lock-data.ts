import { join } from 'node:path/posix';
import { folderOf } from './walk-files.ts';
import type { InspectPorts } from '../inspect-ports.ts';

/** Nothing is changed under a node that runs: the data folder of ours that a shard's folder is in is taken for the while. */
export async function lockDataOf(
  { disk, workingFolder }: InspectPorts,
  shardFolder: string,
): Promise<{ release(): Promise<void> } | undefined> {
  for (const path of [shardFolder, join(workingFolder, shardFolder)]) {
    const folder = folderOf(folderOf(folderOf(path)));
    if (folder === '' || (await disk.size(`${folder}/.lock`)) === undefined) continue;
    return disk.lock(`${folder}/.lock`);
  }
  return undefined;
}
