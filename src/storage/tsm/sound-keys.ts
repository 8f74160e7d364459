/**
 * The keys of a damaged TSM file of which it is known that they are what was written, for who saves what is left of one.
 *
 * Invariants:
 * - a key is given out when the sum of its bytes in the index is right: of the whole index, or of a part of it by the directory
 *   (tsm-directory.ts). What the index says without a sum that holds is not believed: a flipped bit in a name would give
 *   the values of one series to another;
 * - what is passed over is told, with its bytes.
 */
import { crc32 } from 'node:zlib';
import { isDbError } from '../../base/errors.ts';
import { PageCache } from '../pages/page-cache.ts';
import { SortedTable } from '../pages/sorted-table.ts';
import { decodeDirectory, decodePart, directoryFooterBytes, type TsmDirectory } from './tsm-directory.ts'; // prettier-ignore
import type { ScannedKey, TsmScan } from './tsm-scan.ts';
import type { TsmSeal } from './tsm-seal.ts';

/** Bytes of the index that are not what was written, and the offset in the file. */
export interface LostIndex {
  readonly offset: number;
  readonly lengthBytes: number;
}

const cacheBytesMax = 1 << 20;

/** In the order of the keys' bytes. */
export async function* soundKeys(
  scan: TsmScan,
  seal: TsmSeal,
): AsyncGenerator<ScannedKey | LostIndex> {
  const { indexAt, indexBytes } = scan;
  if (await scan.hasIndexOf(seal)) {
    yield* scan.keysBetween(indexAt, indexAt + indexBytes);
    return;
  }
  const directory = await directoryOf(scan, seal);
  if (directory === undefined) yield { offset: indexAt, lengthBytes: indexBytes };
  else yield* keysByParts(scan, directory);
}

async function* keysByParts(
  scan: TsmScan,
  { root }: TsmDirectory,
): AsyncGenerator<ScannedKey | LostIndex> {
  const { indexAt, indexBytes } = scan;
  const table = new SortedTable(scan.pages(new PageCache(cacheBytesMax)), root, 0);
  let known = indexAt;
  for (let number = 0; number < table.count; number++) {
    const part = partOf(table, number);
    // Of parts that the table has lost it is seen where the next one begins.
    if (part === undefined) continue;
    const start = indexAt + part.offset;
    if (start > known) yield { offset: known, lengthBytes: start - known };
    known = start + part.lengthBytes;
    const isSound = crc32(await scan.bytes(start, part.lengthBytes)) === part.crc32;
    if (isSound) yield* scan.keysBetween(start, known);
    else yield { offset: start, lengthBytes: part.lengthBytes };
  }
  const end = indexAt + indexBytes;
  if (known < end) yield { offset: known, lengthBytes: end - known };
}

/** Undefined where the page that has it is damaged. */
function partOf(table: SortedTable, number: number): ReturnType<typeof decodePart> | undefined {
  try {
    return decodePart(table.value(number));
  } catch (error) {
    if (!isDbError(error, 'corrupt')) throw error;
    return undefined;
  }
}

async function directoryOf(scan: TsmScan, seal: TsmSeal): Promise<TsmDirectory | undefined> {
  if (seal.directoryCrc32 === undefined) return undefined;
  const footer = await scan.bytes(scan.indexAt - directoryFooterBytes, directoryFooterBytes);
  return crc32(footer) === seal.directoryCrc32 ? decodeDirectory(footer) : undefined;
}
