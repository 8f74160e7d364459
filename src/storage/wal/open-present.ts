import { isDbError } from '../../base/errors.ts';
import type { Disk, DiskFile } from '../../env/disk.ts';

/** Undefined for a segment that has gone since the folder was listed. */
export async function openPresent(disk: Disk, path: string): Promise<DiskFile | undefined> {
  try {
    return await disk.open(path, 'open');
  } catch (error) {
    if (isDbError(error, 'not_found')) return undefined;
    throw error;
  }
}
