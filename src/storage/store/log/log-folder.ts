/**
 * Whether the folder of the log is the one that this node has written to: `log.json` in it and in the roster's folder have one id.
 * A disk that was not mounted leaves an empty folder behind, and an empty log is a log: points that were acknowledged would be gone
 * without a word, and what is written from then on hidden by the next mount.
 *
 * Invariants:
 * - the log's folder has its id before the roster's has it, so that no crash leaves a node that does not start;
 * - directories of earlier releases have none, and are given one;
 * - where no shard has its folder, as on disks that were all replaced, nothing is missed of the log: the roster's shards are damaged
 *   as they are, and another owner brings them.
 */
import { DbError, errorText, isDbError } from '../../../base/errors.ts';
import type { Disk } from '../../../env/disk.ts';
import type { Log } from '../../../env/log.ts';
import { makeDurableDir } from '../../../env/make-durable-dir.ts';
import type { Random } from '../../../env/random.ts';
import { placesIn } from '../shards/open-shards.ts';

export interface LogFolders {
  readonly walFolder: string;
  /** Undefined: nobody remembers the other. */
  readonly rosterFolder?: string | undefined;
}

const fileName = 'log.json';
const idPattern = /^\{"version":1,"id":"([0-9a-f]{16})"\}\n$/;

/** Changes nothing. Throws `corrupt` with what is to be done where it is another one, and what the disk says. */
export async function checkLogFolder(
  disk: Disk,
  { walFolder, rosterFolder, dataFolder }: LogFolders & { readonly dataFolder: string },
): Promise<void> {
  if (rosterFolder === undefined) return;
  const expected = await readId(disk, rosterFolder);
  const found = await readId(disk, walFolder);
  if (typeof expected !== 'string' || found === expected || found === damagedId) return;
  if ((await placesIn(disk, dataFolder)).length === 0) return;
  throw new DbError(
    'corrupt',
    `${walFolder}: not the write-ahead log that this node has written to: mount its disk, or put the log back; ` +
      `to start without what it has and no file has yet, remove ${rosterFolder}/${fileName}`,
  );
}

/** Gives the two an id if they have none. Never rejects for what the disk says: the next start tries again. */
export async function keepLogFolder(
  { disk, log, random }: { readonly disk: Disk; readonly log: Log; readonly random?: Random | undefined }, // prettier-ignore
  { walFolder, rosterFolder }: LogFolders,
): Promise<void> {
  if (rosterFolder === undefined) return;
  try {
    const expected = await readId(disk, rosterFolder);
    const found = await readId(disk, walFolder);
    const known = [expected, found].find((one) => typeof one === 'string');
    const id = typeof known === 'string' ? known : newId(random?.fork('log folder'));
    if (found !== id) await writeId(disk, walFolder, id);
    if (expected !== id) await writeId(disk, rosterFolder, id);
  } catch (error) {
    if (!isDbError(error, 'io_error') && !isDbError(error, 'disk_full')) throw error;
    log.warn('The folder of the log could not be given its name', { path: walFolder, error: errorText(error) }); // prettier-ignore
  }
}

function newId(random: Random | undefined): string {
  const part = (): string => (random?.u32() ?? 0).toString(16).padStart(8, '0');
  return part() + part();
}

/** What cannot be read is no reason not to start: the folder is there. */
const damagedId = { isDamaged: true } as const;

async function readId(disk: Disk, folder: string): Promise<string | typeof damagedId | undefined> {
  try {
    const text = new TextDecoder().decode(await disk.readFile(`${folder}/${fileName}`));
    return idPattern.exec(text)?.[1] ?? damagedId;
  } catch (error) {
    if (isDbError(error, 'not_found')) return undefined;
    if (isDbError(error, 'io_error')) return damagedId;
    throw error;
  }
}

async function writeId(disk: Disk, folder: string, id: string): Promise<void> {
  await makeDurableDir(disk, folder);
  const text = `${JSON.stringify({ version: 1, id })}\n`;
  await disk.replaceFile(`${folder}/${fileName}`, new TextEncoder().encode(text));
}
