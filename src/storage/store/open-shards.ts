import { DbError } from '../../base/errors.ts';
import type { Disk } from '../../env/disk.ts';
import { Shard } from '../engine/shard.ts';
import { TsmFile } from '../tsm/tsm-file.ts';
import { generationOf } from '../tsm/tsm-format.ts';
import { readManifest } from './shard-manifest.ts';

export interface ShardPlace {
  readonly shardId: number;
  readonly database: string;
  readonly retentionPolicy: string;
}

/** A shard of this worker and what the store keeps of it. */
export interface OpenShard {
  readonly shard: Shard;
  readonly place: ShardPlace;
  /** Of the last record that was handed to the log, and of the last one that was applied. */
  sequence: number;
  appliedSequence: number;
  flushedSequence: number;
  /** Of the latest file. */
  generation: number;
  lastWriteMs: number;
  flushing: Promise<void> | undefined;
}

export interface FoundShards {
  readonly shards: Map<number, OpenShard>;
  /** Shards that other workers are home of. */
  readonly foreignIds: ReadonlySet<number>;
}

export function newOpenShard(shard: Shard, place: ShardPlace, nowMs: number): OpenShard {
  return {
    shard,
    place,
    sequence: 0,
    appliedSequence: 0,
    flushedSequence: 0,
    generation: 0,
    lastWriteMs: nowMs,
    flushing: undefined,
  };
}

/** Opens the shards under the data folder that are home here: their files and what of the log is in them. */
export async function openShards(
  disk: Disk,
  options: { readonly dataFolder: string; readonly isHome: (shardId: number) => boolean; readonly nowMs: number }, // prettier-ignore
): Promise<FoundShards> {
  const { dataFolder, isHome, nowMs } = options;
  const shards = new Map<number, OpenShard>();
  const foreignIds = new Set<number>();
  for (const database of await foldersIn(disk, dataFolder)) {
    for (const retentionPolicy of await foldersIn(disk, `${dataFolder}/${database}`)) {
      const parent = `${dataFolder}/${database}/${retentionPolicy}`;
      for (const name of await foldersIn(disk, parent)) {
        const shardId = Number(name);
        if (!/^\d+$/.test(name)) continue;
        if (!isHome(shardId)) {
          foreignIds.add(shardId);
          continue;
        }
        if (shards.has(shardId)) throw new DbError('corrupt', `${dataFolder}: shard ${name} twice`);
        const place = { shardId, database, retentionPolicy };
        shards.set(shardId, await openShard(disk, `${parent}/${name}`, { place, nowMs }));
      }
    }
  }
  return { shards, foreignIds };
}

async function openShard(
  disk: Disk,
  folder: string,
  { place, nowMs }: { readonly place: ShardPlace; readonly nowMs: number },
): Promise<OpenShard> {
  const { flushedSequence } = await readManifest(disk, folder);
  const files: TsmFile[] = [];
  let generation = 0;
  for (const { name } of await disk.list(folder)) {
    // What a crash has left of a flush is in the log still.
    if (name.endsWith('.tsm.tmp')) await disk.remove(`${folder}/${name}`);
    const found = generationOf(name);
    if (found === undefined) continue;
    generation = Math.max(generation, found);
    files.push(await TsmFile.open(disk, `${folder}/${name}`));
  }
  const open = newOpenShard(new Shard(place.shardId, files), place, nowMs);
  return { ...open, sequence: flushedSequence, appliedSequence: flushedSequence, flushedSequence, generation }; // prettier-ignore
}

async function foldersIn(disk: Disk, path: string): Promise<readonly string[]> {
  return (await disk.list(path)).filter((entry) => entry.isDirectory).map(({ name }) => name);
}
