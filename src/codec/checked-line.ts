/**
 * A small file that says what was there as something was closed: one line of eight hexadecimal digits, the CRC-32 of what follows the space,
 * a space and JSON. One that cannot be read, or is not what was written, says nothing, and the log says so.
 */
import { crc32 } from 'node:zlib';
import { errorText, isDbError } from '../base/errors.ts';
import type { Disk } from '../env/disk.ts';
import type { Log } from '../env/log.ts';

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
  { disk, log }: { readonly disk: Pick<Disk, 'readFile'>; readonly log: Pick<Log, 'warn'> },
  path: string,
): Promise<unknown> {
  try {
    const text = new TextDecoder().decode(await disk.readFile(path)).trimEnd();
    const json = text.slice(9);
    if (text.slice(0, 8) === checksum(json)) return JSON.parse(json);
    log.warn('What the run before has noted is damaged', { path });
  } catch (error) {
    if (isDbError(error, 'not_found')) return undefined;
    if (!isDbError(error, 'io_error')) throw error;
    log.warn('What the run before has noted cannot be read', { path, error: errorText(error) });
  }
  return undefined;
}

function checksum(json: string): string {
  return crc32(json).toString(16).padStart(8, '0');
}
