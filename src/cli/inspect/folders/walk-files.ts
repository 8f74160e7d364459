import { join } from 'node:path/posix';
import { DbError, isDbError } from '../../../base/errors.ts';
import type { Disk } from '../../../env/disk.ts';

/** Folders within folders that a walk follows: no tree of a server is as deep. */
const depthMax = 64;
/** Of a shard of ours that was being made, deleted or moved as its node was ended, or was set aside: none of its points count any more. */
const leftPattern = /^\d+\.(new|deleted|(snapshot|staging|aside)-\d+)$/;

/**
 * Paths of files under `root` for which `isWanted` holds by their name, each folder in the order of its names, without those of
 * shards that are none any more. `root` may be a file. Throws `not_found` when it is not there.
 */
export async function* walkFiles(
  disk: Disk,
  root: string,
  isWanted: (name: string) => boolean,
): AsyncGenerator<string> {
  if ((await disk.size(root)) === undefined)
    throw new DbError('not_found', `lstat ${root}: no such file or directory`);
  const path = root.replace(/(?<=.)\/+$/, '');
  if (await isFolder(disk, path)) yield* walk(disk, { path, depth: 0 }, isWanted);
  else if (isWanted(nameOf(path))) yield path;
}

async function* walk(
  disk: Disk,
  { path, depth }: { readonly path: string; readonly depth: number },
  isWanted: (name: string) => boolean,
): AsyncGenerator<string> {
  if (depth > depthMax) return;
  for (const { name, isDirectory } of await disk.list(path)) {
    // As Go joins them.
    const inner = join(path, name);
    if (isDirectory && leftPattern.test(name)) continue;
    if (isDirectory) yield* walk(disk, { path: inner, depth: depth + 1 }, isWanted);
    else if (isWanted(name)) yield inner;
  }
}

/** What is there and cannot be listed is a file. */
async function isFolder(disk: Disk, path: string): Promise<boolean> {
  try {
    await disk.list(path);
    return true;
  } catch (error) {
    if (isDbError(error, 'io_error')) return false;
    throw error;
  }
}

export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

export function folderOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

export function isTsmName(name: string): boolean {
  return name.endsWith('.tsm');
}
