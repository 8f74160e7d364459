import { DbError, errorText, isDbError } from '../../base/errors.ts';
import { formatGoFloat } from '../../base/go-format.ts';
import { readManifest } from '../../storage/store/shards/shard-manifest.ts';
import { TsmScan } from '../../storage/tsm/tsm-scan.ts';
import type { InspectCommand, InspectPorts } from './inspect-ports.ts';
import { folderOf, isTsmName, nameOf, walkFiles } from './folders/walk-files.ts';

interface Totals {
  readonly failedCount: number;
  readonly totalCount: number;
}

/** What is looked at in one file: how much, and how much of it is wrong, each told in a line. */
type Check = (ports: InspectPorts, scan: TsmScan) => Promise<Totals>;

export const verifyCommand: InspectCommand = {
  name: 'verify',
  flags: { dir: 'text', 'check-utf8': 'switch' },
  usage: ({ home }) => `Verifies the integrity of TSM files.

Usage: influx_inspect verify [flags]

    -dir <path>
            The root storage path.
            Must be changed if you are using a non-default storage directory.
            Defaults to "${home}/.influxdb".
    -check-utf8 
            Verify series keys are valid UTF-8.
            This check skips verification of block checksums.
 `,
  run: async (ports, given) => {
    const folder = given.text('dir', `${ports.home}/.influxdb`);
    const isOfNames = given.has('check-utf8');
    const startMs = ports.clock.monotonicMs();
    const { failedCount, totalCount, error } = await verifyAll(ports, folder, isOfNames ? checkNames : checkSums); // prettier-ignore
    const seconds = (ports.clock.monotonicMs() - startMs) / 1000;
    const what = isOfNames ? 'Invalid Keys' : 'Broken Blocks';
    await ports.out(`${what}: ${failedCount} / ${totalCount}, in ${formatGoFloat(seconds)}s\n`);
    if (error !== undefined) throw error;
    if (isOfNames && failedCount > 0) throw new DbError('corrupt', 'check-utf8: failed');
  },
};

/** Goes on behind a file that is none: all that is wrong is told, the first is what the command ends with. */
async function verifyAll(
  ports: InspectPorts,
  folder: string,
  check: Check,
): Promise<Totals & { readonly error: DbError | undefined }> {
  let [failedCount, totalCount] = [0, 0];
  let error: DbError | undefined;
  const note = (found: unknown): void => {
    if (!isDbError(found)) throw found;
    error ??= found;
  };
  try {
    for await (const path of walkFiles(
      ports.disk,
      folder,
      (name) => isTsmName(name) || name === 'shard.json',
    )) {
      // prettier-ignore
      try {
        if (!isTsmName(nameOf(path))) {
          await checkManifest(ports, path);
          continue;
        }
        const totals = await verifyFile(ports, path, check);
        failedCount += totals.failedCount;
        totalCount += totals.totalCount;
      } catch (found) {
        note(found);
        await ports.out(`${errorText(found)}\n`);
      }
    }
  } catch (found) {
    if (!isDbError(found, 'not_found')) throw found;
    const text = `could not load storage files (use -dir for custom storage root): ${found.message}`;
    throw new DbError('not_found', text, { cause: found });
  }
  return { failedCount, totalCount, error };
}

async function verifyFile(ports: InspectPorts, path: string, check: Check): Promise<Totals> {
  const scan = await TsmScan.open(ports.disk, path);
  try {
    const totals = await check(ports, scan);
    if (totals.failedCount === 0) await ports.out(`${path}: healthy\n`);
    return totals;
  } finally {
    await scan.close();
  }
}

async function checkSums({ out }: InspectPorts, scan: TsmScan): Promise<Totals> {
  let [failedCount, totalCount] = [0, 0];
  for await (const { key, entries } of scan.keys())
    for (const entry of entries) {
      const { storedCrc32, crc32 } = await scan.block(entry);
      if (storedCrc32 !== crc32) {
        failedCount++;
        // The key as the reference has it: its bytes, in decimal.
        await out(`${scan.path}: got ${storedCrc32} but expected ${crc32} for key [${key.join(' ')}], block ${totalCount}\n`); // prettier-ignore
      }
      totalCount++;
    }
  return { failedCount, totalCount };
}

async function checkNames({ out }: InspectPorts, scan: TsmScan): Promise<Totals> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let [failedCount, totalCount] = [0, 0];
  for await (const { key } of scan.keys()) {
    try {
      decoder.decode(key);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      failedCount++;
      await out(`${scan.path}: key #${totalCount} is not valid UTF-8\n`);
    }
    totalCount++;
  }
  return { failedCount, totalCount };
}

/** In a folder of ours: files are there, and their indexes are what they were when they were written. Says only what is not. */
async function checkManifest({ disk }: InspectPorts, path: string): Promise<void> {
  const folder = folderOf(path);
  const { files } = await readManifest(disk, folder);
  for (const [name, seal] of files) {
    const file = `${folder}/${name}`;
    if ((await disk.size(file)) === undefined)
      throw new DbError('corrupt', `${file}: the file is gone, ${path} lists it`);
    if (!(await TsmScan.isFileSealed(disk, file, seal)))
      throw new DbError('corrupt', `${file}: the index is not what ${path} says it was`);
  }
}
