import type { Disk } from './disk.ts';

/** Creates the folder and its missing parents so that their names survive a crash once it resolved. */
export async function makeDurableDir(disk: Disk, path: string): Promise<void> {
  await disk.makeDir(path);
  for (const parent of parentsOf(path)) await disk.syncDir(parent);
}

/** The folders above one, the nearest first. */
export function parentsOf(path: string): readonly string[] {
  const parts = path.split('/');
  const parents = parts
    .map((_, above) => parts.slice(0, parts.length - 1 - above).join('/'))
    .map((parent) => (parent !== '' ? parent : path.startsWith('/') ? '/' : '.'));
  // Of an absolute path the root comes twice.
  return [...new Set(parents)];
}
