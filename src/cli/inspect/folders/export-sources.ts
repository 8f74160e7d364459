import { DbError } from '../../../base/errors.ts';
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
import { isTsmName, walkFiles } from './walk-files.ts';

/** What there is of one retention policy, each in the order of its names. */
export interface ExportSource {
  readonly database: string;
  readonly policy: string;
  readonly tsmPaths: string[];
  /** Segments of a real influxd's log. */
  readonly influxPaths: string[];
  /** Segments of our log that have points of it; what else is in them is of others. */
  readonly segmentPaths: string[];
  /** Shards of it that a node of ours has, and up to which record their points are in files. */
  readonly flushedSequences: Map<number, number>;
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
  for await (const path of walkFiles(disk, folders.dataFolder, isTsmName))
    sources.ofPath(folders.dataFolder, path)?.tsmPaths.push(path);
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
  const places = new Map<number, ShardPlace>();
  const flushed = new Map<number, number>();
  for (const place of await placesIn(disk, folders.dataFolder)) {
    const folder = shardFolderOf(folders.dataFolder, place);
    places.set(place.shardId, place);
    flushed.set(place.shardId, (await readManifest(disk, folder)).flushedSequence);
  }
  for (const path of segments)
    await readOwnLog(disk, path, ({ shardId, sequence }) => {
      const place = places.get(shardId);
      const flushedSequence = flushed.get(shardId) ?? 0;
      if (place === undefined || sequence <= flushedSequence) return;
      const source = sources.of(place.database, place.retentionPolicy);
      if (source === undefined) return;
      source.flushedSequences.set(shardId, flushedSequence);
      if (source.segmentPaths.at(-1) !== path) source.segmentPaths.push(path);
    });
}

class Sources {
  readonly #wanted: ExportFolders;
  readonly #byKey = new Map<string, ExportSource>();

  constructor(wanted: ExportFolders) {
    this.#wanted = wanted;
  }

  /** Undefined for what was not asked for. */
  of(database: string, policy: string): ExportSource | undefined {
    const { database: wantedDatabase, policy: wantedPolicy } = this.#wanted;
    if (wantedDatabase !== '' && wantedDatabase !== database) return undefined;
    if (wantedPolicy !== '' && wantedPolicy !== policy) return undefined;
    const key = `${database}/${policy}`;
    const known = this.#byKey.get(key);
    if (known !== undefined) return known;
    const made = {
      database,
      policy,
      tsmPaths: [],
      influxPaths: [],
      segmentPaths: [],
      flushedSequences: new Map<number, number>(),
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
