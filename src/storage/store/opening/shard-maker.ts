/**
 * Shards that come to be.
 *
 * Invariants:
 * - A shard's folder is durable before the roster has it, and both before its first record is in the log.
 * - What an attempt that failed has made is gone on with by the next one, and goes with the shard when that is deleted. One that is, or is
 *   not, to await a copy as the one before was not, or was, makes it anew: `shard.json` says what a start makes of it.
 * - One that was set aside comes to be again as one that a copy is awaited for, whatever makes it: another owner has its points.
 * - A shard that comes to be again, while the log may have records of the one that is gone, numbers its own behind those.
 * - What was here in this run and is no more is known: whoever was about to read it must not take it for a shard without points.
 */
import type { Disk } from '../../../env/disk.ts';
import type { DiskFailures } from '../../../env/disk-failures.ts';
import { DurableFolders } from '../../../env/durable-folders.ts';
import type { Log } from '../../../env/log.ts';
import { emptyShard, type OpeningPorts, type OpenShard, type ShardPlace } from '../shards/open-shards.ts'; // prettier-ignore
import type { ManifestCopy } from '../shards/shard-manifest.ts';
import { makeShardFolder } from '../shards/make-shard-folder.ts';
import type { ShardRoster } from '../shards/shard-roster.ts';

export interface ShardMakerPorts {
  readonly disk: Disk;
  readonly log: Log;
  readonly opening: OpeningPorts;
  readonly roster: ShardRoster | undefined;
  readonly folderOf: (place: ShardPlace) => string;
  readonly diskFailures: Pick<DiskFailures, 'failed' | 'succeeded'>;
}

/** Nobody who was to read one of those before has yet to come. */
const removedKnownMax = 65_536;

export interface NewShard {
  readonly clusterId: bigint | undefined;
  readonly copy: ManifestCopy | undefined;
}

interface MadeFolder {
  readonly place: ShardPlace;
  readonly copy: ManifestCopy | undefined;
  /** False while it is made anew. */
  readonly isReady: boolean;
}

export class ShardMaker {
  readonly #ports: ShardMakerPorts;
  readonly #creating = new Map<number, Promise<OpenShard>>();
  /** Shards whose folder is made and that are not in the roster yet. */
  readonly #made = new Map<number, MadeFolder>();
  /** Last sequences of shards that are gone, as far as the log may still have records of them. */
  readonly #goneSequences: Map<number, number>;
  readonly #folders: DurableFolders;
  /** Shards that were set aside. */
  readonly #aside = new Set<number>();
  /** Shards that were here, the latest last. */
  readonly #removed = new Set<number>();

  constructor(ports: ShardMakerPorts, goneSequences: Map<number, number>) {
    this.#ports = ports;
    this.#folders = new DurableFolders(ports.disk);
    this.#goneSequences = goneSequences;
  }

  /** `onMade` is called once it may be written to; whoever asks meanwhile gets the same one. */
  make(place: ShardPlace, one: NewShard, onMade: (open: OpenShard) => void): Promise<OpenShard> {
    const { shardId } = place;
    const creating = this.#creating.get(shardId);
    if (creating !== undefined) return creating;
    const created = this.#make(place, one)
      .then(
        (open) => {
          this.#ports.diskFailures.succeeded('new shards');
          onMade(open);
          this.#aside.delete(shardId);
          this.#removed.delete(shardId);
          return open;
        },
        (error: unknown) => {
          this.#ports.diskFailures.failed('new shards', error);
          throw error;
        },
      )
      .finally(() => {
        this.#creating.delete(shardId);
      });
    this.#creating.set(shardId, created);
    return created;
  }

  /** Resolves once a shard is not being made any more, whatever came of it. */
  async settled(shardId: number): Promise<void> {
    await this.#creating.get(shardId)?.catch(() => undefined);
  }

  /** Where there is a folder of a shard that an attempt to make it has left. */
  leftBehind(shardId: number): ShardPlace | undefined {
    return this.#made.get(shardId)?.place;
  }

  /** Shards of which there is a folder and nothing else: what an attempt to make them has left. */
  get leftPlaces(): readonly ShardPlace[] {
    return Array.from(this.#made.values(), ({ place }) => place);
  }

  /** Whether it was set aside, and has not come to be again. */
  isAside(shardId: number): boolean {
    return this.#aside.has(shardId);
  }

  /** Whether it was here in this run, and has gone to another node, or for good. */
  isRemoved(shardId: number): boolean {
    return this.#removed.has(shardId);
  }

  /** It has left; the log may have records of it up to this one. */
  gone(shardId: number, sequence: number, { isAside }: { readonly isAside: boolean }): void {
    this.#made.delete(shardId);
    if (isAside) this.#aside.add(shardId);
    else {
      this.#aside.delete(shardId);
      this.#noteRemoved(shardId);
    }
    this.#goneSequences.set(shardId, sequence);
  }

  #noteRemoved(shardId: number): void {
    this.#removed.add(shardId);
    const [oldest] = this.#removed;
    if (this.#removed.size > removedKnownMax && oldest !== undefined) this.#removed.delete(oldest);
  }

  async #make(place: ShardPlace, { clusterId, copy: asked }: NewShard): Promise<OpenShard> {
    const { disk, log, opening, roster, folderOf } = this.#ports;
    const { shardId } = place;
    const copy = asked ?? (this.#aside.has(shardId) ? { index: 0, isWhole: false } : undefined);
    const sequence = this.#goneSequences.get(shardId) ?? 0;
    const made = this.#made.get(shardId);
    if (made?.isReady !== true || !isSameCopy(made.copy, copy)) {
      if (made !== undefined) {
        this.#made.set(shardId, { place, copy, isReady: false });
        await disk.removeTree(folderOf(place));
      }
      await makeShardFolder({ disk, folders: this.#folders }, folderOf(place), { sequence, copy }); // prettier-ignore
      this.#made.set(shardId, { place, copy, isReady: true });
    }
    await roster?.made(place, clusterId === 0n ? undefined : clusterId);
    this.#made.delete(shardId);
    log.info('Created shard', { db: place.database, shard: shardId });
    return emptyShard(opening, folderOf(place), { place, sequence, copy });
  }
}

function isSameCopy(one: ManifestCopy | undefined, other: ManifestCopy | undefined): boolean {
  return one?.isWhole === other?.isWhole && one?.index === other?.index;
}
