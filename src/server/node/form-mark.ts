/**
 * Says in a node's folder which form its files are of. Logs and hints of a later form look like torn ones to a release that does
 * not know it, and would be cut off: so it does not start at all.
 *
 * Counted up with each change of a form on disk that the release before cannot read: 2 keeps Raft's records and a node's
 * identity as messages of protobuf.
 */
import { DbError, isDbError } from '../../base/errors.ts';
import type { Disk } from '../../env/disk.ts';
import { makeDurableDir } from '../../env/make-durable-dir.ts';

export const formVersion = 2;
const name = 'form.json';

/** Before anything of the folder is opened. Throws `unsupported_version` for a later form, `corrupt` for no mark at all. */
export async function markForm(disk: Disk, folder: string): Promise<void> {
  const path = `${folder}/${name}`;
  const found = await readForm(disk, path);
  if (found === formVersion) return;
  if (found > formVersion) {
    const what = `the folder is of a later release (form ${found}, and this one knows ${formVersion})`;
    throw new DbError('unsupported_version', `${path}: ${what}: start that release, or restore a backup`); // prettier-ignore
  }
  await makeDurableDir(disk, folder);
  await disk.replaceFile(path, new TextEncoder().encode(`{"form":${formVersion}}\n`));
}

/** 0 for a folder of before there was a mark. */
async function readForm(disk: Disk, path: string): Promise<number> {
  let text: string;
  try {
    text = new TextDecoder().decode(await disk.readFile(path));
  } catch (error) {
    if (isDbError(error, 'not_found')) return 0;
    throw error;
  }
  const [, digits] = /^\{"form":(\d{1,9})[,}]/.exec(text) ?? [];
  if (digits === undefined) {
    const remedy = 'put back a copy, or remove it if no later release has written here';
    throw new DbError('corrupt', `${path}: it is no mark of a form, or damaged: ${remedy}`);
  }
  return Number(digits);
}
