/** Shards on their way between nodes: snapshots of those that are here, and those that a copy is brought to. */
import { awaitedShardError } from '../../engine/awaited-shard.ts';
import type { PointDeletePorts } from '../deletes/point-deletes.ts';
import { refuseDamaged, type WrittenShards } from '../opening/written-shards.ts';
import type { ShardOpener } from '../opening/shard-opener.ts';
import { isAwaiting, isIncoming, snapshotSuffix, type DamagedShard, type OpeningPorts, type OpenShard, type ShardPlace } from '../shards/open-shards.ts'; // prettier-ignore
import type { WritePlace } from '../shards/shard-facts.ts';
import type { ShardMap } from '../shards/shard-map.ts';
import { installShard, type InstallPorts, type InstallRequest } from './install-shard.ts';
import { takeSnapshot, type ShardSnapshot } from './take-snapshot.ts';

/** Of work on an open shard. */
export type WorkPorts = PointDeletePorts & Pick<InstallPorts, 'filters'>;

export interface StoreTransfersPorts {
  readonly shards: ShardMap;
  readonly damaged: ReadonlyMap<number, DamagedShard>;
  readonly opener: Pick<ShardOpener, 'open'>;
  readonly opening: OpeningPorts;
  readonly written: Pick<WrittenShards, 'open'>;
  readonly work: () => WorkPorts;
  readonly folderOf: (place: ShardPlace) => string;
  /** Series of a shard came or went, and not by a write. */
  readonly onChanged: () => void;
}

export class StoreTransfers {
  readonly #ports: StoreTransfersPorts;

  constructor(ports: StoreTransfersPorts) {
    this.#ports = ports;
  }

  /**
   * Makes a snapshot of a shard in `<its folder>.snapshot-<number>`; undefined when it has had no points here. Throws what
   * Store.view() and the disk throw.
   */
  async snapshot(shardId: number, number: number): Promise<ShardSnapshot | undefined> {
    const { damaged, opening, work, folderOf } = this.#ports;
    const open = await this.#open(shardId);
    refuseDamaged(damaged, shardId);
    if (open === undefined) return undefined;
    if (isAwaiting(open)) throw awaitedShardError(shardId);
    const from = folderOf(open.place);
    opening.trace?.info('Creating snapshot', { dir: from });
    const nowMs = (): number => opening.clock.monotonicMs();
    return takeSnapshot(open, { from, to: `${from}${snapshotSuffix}${number}` }, { ...work(), nowMs }); // prettier-ignore
  }

  /** Makes a shard that is not here one that nobody reads until a copy has come. Whether that is what it is now. */
  async expectCopy(place: WritePlace): Promise<boolean> {
    return isIncoming((await this.#ports.written.open(place)).manifest.manifest);
  }

  /** A shard that awaits a copy is what it has: nobody is left who could give it one. */
  async expectNone(shardId: number): Promise<void> {
    const open = await this.#open(shardId);
    if (open === undefined || !isIncoming(open.manifest.manifest)) return;
    await open.manifest.update(({ copy, ...rest }) => ({ ...rest, copy: copy && { ...copy, isWhole: true } })); // prettier-ignore
    this.#ports.onChanged();
  }

  /** Makes the files of a copy the shard's; the same copy is taken once. Throws as installShard() does. */
  async install(
    place: WritePlace & { readonly copyIndex: number },
    request: Omit<InstallRequest, 'index'>,
  ): Promise<void> {
    const { opening, work, written, folderOf, onChanged } = this.#ports;
    const open = await written.open(place);
    const { copy } = open.manifest.manifest;
    const index = place.copyIndex;
    if (copy?.isWhole === true && copy.index === index) return;
    try {
      await installShard(open, folderOf(place), { ...request, index }, { ...opening, ...work() });
    } finally {
      // The flush behind it may have failed.
      onChanged();
    }
  }

  async #open(shardId: number): Promise<OpenShard | undefined> {
    await this.#ports.opener.open(shardId);
    return this.#ports.shards.get(shardId);
  }
}
