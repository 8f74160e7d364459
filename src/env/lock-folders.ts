import type { Disk, DiskLock } from './disk.ts';

const lockName = '.lock';

/**
 * Takes the folders for this process: two nodes over one folder would spoil it. A folder that is named twice counts
 * once. Throws `conflict` naming the folder that another process has.
 */
export async function lockFolders(disk: Disk, folders: readonly string[]): Promise<DiskLock> {
  const locks: DiskLock[] = [];
  const release = async (): Promise<void> => {
    for (const lock of locks) await lock.release();
  };
  try {
    for (const folder of new Set(folders)) {
      await disk.makeDir(folder);
      locks.push(await disk.lock(`${folder}/${lockName}`));
    }
  } catch (error) {
    await release();
    throw error;
  }
  return { release };
}
