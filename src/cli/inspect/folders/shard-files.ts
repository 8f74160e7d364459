import { DbError } from '../../../base/errors.ts';
import { nameOfFolder } from '../../../storage/store/shards/folder-name.ts';
import type { InspectPorts } from '../inspect-ports.ts';
import { folderOf, isTsmName, nameOf, walkFiles } from './walk-files.ts';

/** A TSM file at its place, `<database>/<policy>/<shard>/<name>`. */
export interface ShardFile {
  readonly database: string;
  readonly policy: string;
  readonly shard: string;
  readonly path: string;
}

export function isShardFolder(path: string): boolean {
  return /^[+-]?\d+$/.test(nameOf(path)) && Number(nameOf(path)) >= 1;
}

/**
 * The TSM files under a folder whose paths hold `pattern`, by the number of their shard. Throws when a file is not in the
 * folder of a shard.
 */
export async function shardFiles(
  { disk, workingFolder }: InspectPorts,
  root: string,
  pattern: string,
): Promise<readonly ShardFile[]> {
  const files: ShardFile[] = [];
  // Without a folder the reference walks the empty path.
  for await (const path of walkFiles(disk, root, isTsmName)) {
    const folder = folderOf(path);
    if (!isShardFolder(folder))
      throw new DbError('invalid_argument', `not a valid shard dir: ${folder}`);
    if (path.includes(pattern))
      files.push({ ...placedFile(absoluteOf(workingFolder, path)), path });
  }
  return files.sort((a, b) => Number(a.shard) - Number(b.shard));
}

/** By the folders that a file lies in. */
export function placedFile(path: string): ShardFile {
  const [database = '', policy = '', shard = ''] = path.split('/').slice(-4, -1);
  return { database: named(database), policy: named(policy), shard, path };
}

export function absoluteOf(workingFolder: string, path: string): string {
  if (path.startsWith('/')) return path;
  const inner = path.replace(/^(\.(\/+|$))+/, '');
  if (inner === '') return workingFolder;
  return `${workingFolder.replace(/\/$/, '')}/${inner}`;
}

/** What a folder is of; its own name for one that no node of ours has made. */
export function named(folder: string): string {
  return nameOfFolder(folder) ?? folder;
}
