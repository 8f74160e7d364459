/** The folders of a stopped InfluxDB, and what is in them of one shard. */
import { DbError } from '../../base/errors.ts';
import type { Disk } from '../../env/disk.ts';
import { isInfluxSegment } from '../../storage/import/influx-log.ts';
import { tsmNameOf } from '../../storage/tsm/tsm-format.ts';

export interface SourceFolders {
  readonly data: string;
  readonly wal: string;
  readonly meta: string;
}

export interface SourceShard {
  readonly database: string;
  readonly policy: string;
  readonly id: number;
}

export interface SourceFiles {
  /** Oldest first. */
  readonly tsmPaths: readonly string[];
  readonly tombstonePaths: readonly string[];
  /** In the order of the log. */
  readonly segmentPaths: readonly string[];
  /** What a shard has to do without, because the server has set it aside. */
  readonly badPaths: readonly string[];
}

export async function filesOf(
  disk: Disk,
  { data, wal }: SourceFolders,
  { database, policy, id }: SourceShard,
): Promise<SourceFiles> {
  const folder = `${data}/${database}/${policy}/${id}`;
  const logFolder = `${wal}/${database}/${policy}/${id}`;
  const names = (await disk.list(folder)).map(({ name }) => name);
  const segments = (await disk.list(logFolder)).map(({ name }) => name).filter(isInfluxSegment);
  const paths = (holds: (name: string) => boolean): readonly string[] =>
    names.filter(holds).map((name) => `${folder}/${name}`);
  return {
    tsmPaths: paths((name) => tsmNameOf(name) !== undefined),
    tombstonePaths: paths((name) => name.endsWith('.tombstone')),
    segmentPaths: segments.sort(bySegment).map((name) => `${logFolder}/${name}`),
    badPaths: paths((name) => name.endsWith('.bad')),
  };
}

/** Shards that have a folder and are not in `known`, as `<database>/<policy>/<id>`. */
export async function unknownShards(
  disk: Disk,
  { data }: SourceFolders,
  known: ReadonlySet<string>,
): Promise<readonly string[]> {
  const unknown: string[] = [];
  for (const database of await foldersIn(disk, data)) {
    for (const policy of await foldersIn(disk, `${data}/${database}`)) {
      // The series of all shards are beside the policies.
      if (policy === '_series') continue;
      for (const id of await foldersIn(disk, `${data}/${database}/${policy}`)) {
        const key = `${database}/${policy}/${id}`;
        if (/^\d+$/.test(id) && !known.has(key)) unknown.push(key);
      }
    }
  }
  return unknown;
}

/** Throws `not_found` naming the folder that is none. */
export async function mustBeThere(disk: Disk, paths: readonly string[]): Promise<void> {
  for (const path of paths)
    if ((await disk.size(path)) === undefined)
      throw new DbError('not_found', `${path}: no such file or directory`);
}

async function foldersIn(disk: Disk, path: string): Promise<readonly string[]> {
  return (await disk.list(path)).filter((entry) => entry.isDirectory).map(({ name }) => name);
}

/** Past 99,999 segments a name has a digit more. */
function bySegment(left: string, right: string): number {
  return Number(left.slice(1, -4)) - Number(right.slice(1, -4));
}
