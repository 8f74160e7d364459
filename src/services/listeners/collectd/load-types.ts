import { errorText } from '../../../base/errors.ts';
import { MiB } from '../../../base/units.ts';
import type { DirEntry, Disk } from '../../../env/disk.ts';
import type { Log } from '../../../env/log.ts';
import { addTypes, type DataSource, type Types } from './types-db.ts';

interface Ports {
  readonly disk: Pick<Disk, 'list' | 'readFile' | 'size'>;
  readonly log: Log;
}

/** collectd's own is 14 KiB. */
const fileBytesMax = 16 * MiB;
/** Folders within folders: links may go round. */
const depthMax = 8;
const filesMax = 1_000;

/**
 * `typesdb`: a file, or a folder of which all files are read, in their order. As the reference, what cannot be read is told and
 * stops nothing: values of types that are unknown are dropped.
 */
export async function loadTypes({ disk, log }: Ports, path: string): Promise<Types> {
  const types = new Map<string, readonly DataSource[]>();
  const paths = await filesOf({ disk, log }, path, 0);
  for (const one of paths.slice(0, filesMax)) {
    log.info('Loading types from file', { path: one });
    try {
      const size = (await disk.size(one)) ?? 0;
      if (size > fileBytesMax) throw new Error(`${size} bytes are more than ${fileBytesMax}`);
      addTypes(types, Buffer.from(await disk.readFile(one)).toString());
    } catch (error) {
      log.warn('Unable to parse collectd types file', { path: one, error: errorText(error) });
    }
  }
  if (types.size === 0) log.warn('No collectd types are known: all values are dropped', { path });
  return types;
}

async function filesOf(ports: Ports, path: string, depth: number): Promise<readonly string[]> {
  const entries = await entriesOf(ports, path);
  if (entries === undefined) return [path];
  if (depth >= depthMax) return [];
  const found: string[] = [];
  for (const { name, isDirectory } of entries) {
    const inner = `${path.replace(/\/$/, '')}/${name}`;
    // What is a link may be a folder.
    const files = isDirectory ? await filesOf(ports, inner, depth + 1) : [inner];
    for (const file of files) found.push(file);
    if (found.length >= filesMax) break;
  }
  return found;
}

/** Undefined for what is no folder. */
async function entriesOf({ disk }: Ports, path: string): Promise<readonly DirEntry[] | undefined> {
  try {
    const entries = await disk.list(path);
    return entries.length === 0 && (await disk.size(path)) === undefined ? undefined : entries;
  } catch {
    return undefined;
  }
}
