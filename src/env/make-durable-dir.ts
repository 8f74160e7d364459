import type { Disk } from './disk.ts';

/** Creates the folder and its missing parents so that their names survive a crash once it resolved. */
export async function makeDurableDir(disk: Disk, path: string): Promise<void> {
  await disk.makeDir(path);
  const parts = path.split('/');
  for (let depth = parts.length - 1; depth >= 0; depth--) {
    const parent = parts.slice(0, depth).join('/');
    await disk.syncDir(parent === '' ? (path.startsWith('/') ? '/' : '.') : parent);
  }
}
