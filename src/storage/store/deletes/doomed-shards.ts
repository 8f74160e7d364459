/**
 * Shards that are being deleted: taken out of the store already, on the disk still.
 *
 * Invariants:
 * - A shard stays here until its folder is durably gone, so that a deletion that failed is done when it is asked for again.
 * - The folder loses its name before anything in it goes: after a crash the shard is back whole or not at all.
 * - A folder is removed by one caller at a time; the others wait for it.
 * - The roster forgets a shard once its folder has lost its name, before its bytes go; on a full disk after them. One that is set aside
 *   it does not forget: until it has come to be again a start finds it damaged, and not as one that has no points.
 * - Whoever reads it already reads on: the disk has its bytes until then.
 *
 * Not here: the log's records of the shard, which the store lets go of once the shard has left.
 */
import { isDbError } from '../../../base/errors.ts';
import type { Disk } from '../../../env/disk.ts';
import { deletedSuffix, type OpenShard, type ShardPlace } from '../shards/open-shards.ts';

interface DoomedShard {
  readonly place: ShardPlace;
  readonly folder: string;
  /** Undefined for a damaged shard. */
  readonly open: OpenShard | undefined;
  /** What is damaged is kept under another name, which no start looks at. */
  readonly asideTo?: string | undefined;
  removing?: Promise<void> | undefined;
}

export class DoomedShards {
  readonly #disk: Disk;
  readonly #forget: (shardId: number) => Promise<void>;
  readonly #shards = new Map<number, DoomedShard>();

  /** `forget` makes the roster forget a shard, durably. */
  constructor(disk: Disk, forget: (shardId: number) => Promise<void>) {
    this.#disk = disk;
    this.#forget = forget;
  }

  has(shardId: number): boolean {
    return this.#shards.has(shardId);
  }

  /** Whoever lists what is here names them too, or nobody would ask again. */
  get places(): readonly ShardPlace[] {
    return Array.from(this.#shards.values(), ({ place }) => place);
  }

  /** Where the folder is to be of one that is set aside, and the disk did not take that. */
  asideOf(shardId: number): string | undefined {
    return this.#shards.get(shardId)?.asideTo;
  }

  add(shardId: number, shard: DoomedShard): void {
    this.#shards.set(shardId, shard);
  }

  /** Resolves once the shard's folder is gone, at once when it is not doomed. Throws what the disk says. */
  async remove(shardId: number): Promise<void> {
    const doomed = this.#shards.get(shardId);
    if (doomed === undefined) return;
    doomed.removing ??= this.#remove(shardId, doomed).finally(() => {
      doomed.removing = undefined;
    });
    await doomed.removing;
    this.#shards.delete(shardId);
  }

  /** Lets go of the files of shards whose folders are still there. */
  async close(): Promise<void> {
    for (const { open } of this.#shards.values()) await open?.shard.close();
  }

  async #remove(shardId: number, { folder, open, asideTo }: DoomedShard): Promise<void> {
    await open?.flushing?.catch(() => undefined);
    await open?.compacting?.catch(() => undefined);
    await open?.deleting.catch(() => undefined);
    const deleted = asideTo ?? `${folder}${deletedSuffix}`;
    // Gone already when an earlier attempt came so far.
    await this.#disk.rename(folder, deleted).catch((error: unknown) => {
      if (!isDbError(error, 'not_found')) throw error;
    });
    // Of a disk that was wiped the folder above is gone as well.
    await this.#disk.syncDir(folder.slice(0, folder.lastIndexOf('/'))).catch((error: unknown) => {
      if (!isDbError(error, 'not_found')) throw error;
    });
    if (asideTo === undefined) {
      await this.#forget(shardId).catch((error: unknown) => {
        if (!isDbError(error, 'disk_full')) throw error;
      });
      await this.#disk.removeTree(deleted);
      await this.#forget(shardId);
    }
    open?.shard.retire();
  }
}
