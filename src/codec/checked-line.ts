/**
 * A small file that says what was there as something was closed: one line of eight hexadecimal digits, the CRC-32 of what follows the space,
 * a space and JSON. One that cannot be read, or is not what was written, says nothing.
 */
import { crc32 } from 'node:zlib';
import { isDbError } from '../base/errors.ts';
import type { Disk } from '../env/disk.ts';

/** Durable once it resolves. Throws what the disk says. */
export async function writeCheckedLine(
  disk: Pick<Disk, 'replaceFile'>,
  path: string,
  value: unknown,
): Promise<void> {
  const json = JSON.stringify(value);
  await disk.replaceFile(path, new TextEncoder().encode(`${checksum(json)} ${json}\n`));
}

/** What was written there, of whatever form that was; undefined where nothing says it. Throws `unavailable`: a moment later it may be read. */
export async function readCheckedLine(
  disk: Pick<Disk, 'readFile'>,
  path: string,
): Promise<unknown> {
  try {
    const text = new TextDecoder().decode(await disk.readFile(path)).trimEnd();
    const json = text.slice(9);
    return text.slice(0, 8) === checksum(json) ? JSON.parse(json) : undefined;
  } catch (error) {
    if (isDbError(error, 'not_found') || isDbError(error, 'io_error')) return undefined;
    throw error;
  }
}

function checksum(json: string): string {
  return crc32(json).toString(16).padStart(8, '0');
}
