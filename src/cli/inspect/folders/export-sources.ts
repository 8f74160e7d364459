import { DbError, isDbError } from '../../../base/errors.ts';
import type { Disk } from '../../../env/disk.ts';
import { isInfluxSegment } from '../../../storage/import/influx-log.ts';
import {
  folderOf as shardFolderOf,
  placesIn,
  type ShardPlace,
} from '../../../storage/store/shards/open-shards.ts';
import { readManifest } from '../../../storage/store/shards/shard-manifest.ts';
import { readSegment } from '../../../storage/wal/read-segment.ts';
import { parseSegmentName } from '../../../storage/wal/segment-name.ts';
import { WalRecordKind, type WalRecord } from '../../../storage/wal/wal-record.ts';
import { named } from './shard-files.ts';
import { ShardLog } from './shard-log.ts';
import { folderOf, isTsmName, nameOf, walkFiles } from './walk-files.ts';

/** What there is of one retention policy, each in the order of its names. */
export interface ExportSource {
  readonly database: string;
  readonly policy: string;
  readonly tsmPaths: string[];
  /** Segments of a real influxd's log. */
  readonly influxPaths: string[];
  /** Segments of our log that have records of `shards`; what else is in them is of others. */
  readonly segmentPaths: string[];
  /** Shards of it that a node of ours has, and of which the log has what no file has. */
  readonly shards: Map<number, ShardLog>;
}

export interface ExportFolders {
  readonly dataFolder: string;
  readonly walFolder: string;
  /** All when empty. */
  readonly database: string;
  readonly policy: string;
}

/** By database and policy, in that order. */
export async function exportSources(
  disk: Disk,
  folders: ExportFolders,
): Promise<readonly ExportSource[]> {
  const sources = new Sources(folders);
  const gone = new GoneFiles(disk);
  for await (const path of walkFiles(disk, folders.dataFolder, isTsmName)) {
    const source = sources.ofPath(folders.dataFolder, path);
    if (source !== undefined && !(await gone.has(path))) source.tsmPaths.push(path);
  }
  const segments: string[] = [];
  for await (const path of walkFiles(disk, folders.walFolder, (name) => name.endsWith('.wal'))) {
    const name = path.slice(path.lastIndexOf('/') + 1);
    if (isInfluxSegment(name)) sources.ofPath(folders.walFolder, path)?.influxPaths.push(path);
    else if (parseSegmentName(name) !== undefined) segments.push(path);
  }
  if (segments.length > 0) await addOwnLog(disk, folders, { sources, segments });
  return sources.sorted();
}

/** The records of a shard that are not in its files. */
export async function readOwnLog(
  disk: Disk,
  path: string,
  onPoints: (record: WalRecord) => Promise<void> | void,
): Promise<void> {
  const name = parseSegmentName(path.slice(path.lastIndexOf('/') + 1));
  if (name === undefined) return;
  const file = await disk.open(path, 'read');
  try {
    await readSegment(file, name.salt, {
      onRecord: (record) => (record.kind === WalRecordKind.points ? onPoints(record) : undefined),
      // What is torn nobody was told of; damage the node has told at its start, or will.
      onGap: () => undefined,
    });
  } finally {
    await file.close();
  }
}

async function addOwnLog(
  disk: Disk,
  folders: ExportFolders,
  { sources, segments }: { readonly sources: Sources; readonly segments: readonly string[] },
): Promise<void> {
  const held = new Map<number, { readonly place: ShardPlace; readonly log: ShardLog; readonly paths: Set<string> }>(); // prettier-ignore
  for (const place of await placesIn(disk, folders.dataFolder)) {
    if (!sources.wants(place.database, place.retentionPolicy)) continue;
    const folder = shardFolderOf(folders.dataFolder, place);
    const log = new ShardLog(await readManifest(disk, folder));
    held.set(place.shardId, { place, log, paths: new Set() });
  }
  for (const path of segments)
    await readOwnLog(disk, path, ({ shardId, sequence }) => {
      const shard = held.get(shardId);
      if (shard === undefined) return;
      const { place, log, paths } = shard;
      paths.add(path);
      if (sequence > log.flushedSequence)
        sources.of(place.database, place.retentionPolicy)?.shards.set(shardId, log);
    });
  for (const source of sources.sorted()) {
    const shards = Array.from(source.shards.keys(), (id) => held.get(id));
    source.segmentPaths.push(...segments.filter((path) => shards.some((one) => one?.paths.has(path)))); // prettier-ignore
  }
}

/** Files of ours whose points are in others: what was deleted there since is in them still, until the next start removes them. */
class GoneFiles {
  readonly #disk: Disk;
  #folder = '';
  #names: readonly string[] = [];

  constructor(disk: Disk) {
    this.#disk = disk;
  }

  async has(path: string): Promise<boolean> {
    const folder = folderOf(path);
    if (folder !== this.#folder) {
      this.#names = await this.#namesIn(folder);
      this.#folder = folder;
    }
    return this.#names.includes(nameOf(path));
  }

  async #namesIn(folder: string): Promise<readonly string[]> {
    try {
      return (await readManifest(this.#disk, folder)).gone ?? [];
    } catch (error) {
      // What can be read of a damaged shard is exported.
      if (isDbError(error, 'corrupt') || isDbError(error, 'unsupported_version')) return [];
      throw error;
    }
  }
}

class Sources {
  readonly #wanted: ExportFolders;
  readonly #byKey = new Map<string, ExportSource>();

  constructor(wanted: ExportFolders) {
    this.#wanted = wanted;
  }

  wants(database: string, policy: string): boolean {
    const wanted = this.#wanted;
    const isWanted = wanted.database === '' || wanted.database === database;
    return isWanted && (wanted.policy === '' || wanted.policy === policy);
  }

  /** Undefined for what was not asked for. */
  of(database: string, policy: string): ExportSource | undefined {
    if (!this.wants(database, policy)) return undefined;
    const key = `${database}/${policy}`;
    const known = this.#byKey.get(key);
    if (known !== undefined) return known;
    const made = {
      database,
      policy,
      tsmPaths: [],
      influxPaths: [],
      segmentPaths: [],
      shards: new Map<number, ShardLog>(),
    };
    this.#byKey.set(key, made);
    return made;
  }

  /** Of a file, by the first two folders of its way from `root`. */
  ofPath(root: string, path: string): ExportSource | undefined {
    const parts = path.slice(root.replace(/\/+$/, '').length + 1).split('/');
    const [database, policy] = parts;
    if (database === undefined || policy === undefined)
      throw new DbError('invalid_argument', `invalid directory structure for ${path}`);
    return this.of(named(database), named(policy));
  }

  sorted(): readonly ExportSource[] {
    return [...this.#byKey].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, source]) => source);
  }
}
