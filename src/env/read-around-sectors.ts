/** Reads of a file of which the disk cannot read all: a bad sector costs what is in it, and nothing beside it. */
import { isDbError } from '../base/errors.ts';
import type { DiskFile } from './disk.ts';

/** What is tried alone where more could not be read. */
const sectorBytes = 4_096;

/** Bytes of a file, from `start` up to `end`. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/**
 * As readAt() of the file; what cannot be read is zeros, and `onUnreadable` is told of it, a sector at a time. Throws what else the disk says.
 */
export async function readAroundSectors(
  file: Pick<DiskFile, 'readAt'>,
  { offset, into }: { readonly offset: number; readonly into: Uint8Array },
  onUnreadable: (range: ByteRange) => void,
): Promise<number> {
  try {
    return await file.readAt(offset, into);
  } catch (error) {
    if (!isDbError(error, 'io_error')) throw error;
  }
  let count = 0;
  for (let at = 0; at < into.length; at += sectorBytes) {
    const sector = into.subarray(at, at + sectorBytes);
    try {
      const read = await file.readAt(offset + at, sector);
      count = at + read;
      if (read < sector.length) break;
    } catch (error) {
      if (!isDbError(error, 'io_error')) throw error;
      sector.fill(0);
      count = at + sector.length;
      onUnreadable({ start: offset + at, end: offset + count });
    }
  }
  return count;
}
