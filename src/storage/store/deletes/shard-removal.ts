/**
 * Takes shards out of a store for good: their folders are removed, or kept under another name.
 *
 * - Nobody reads or writes a shard from the moment that it is taken out; its folder goes behind that, and a failure of the disk leaves
 *   it to the next attempt (doomed-shards.ts).
 * - What the log still has of it is of no use any more, also where nobody knows how many records that is.
 */
import { DbError } from '../../../base/errors.ts';
import type { Clock } from '../../../env/clock.ts';
import type { SegmentReleases } from '../log/release-segments.ts';
import type { ShardMaker } from '../opening/shard-maker.ts';
import type { ShardOpener } from '../opening/shard-opener.ts';
import { asideSuffix, type DamagedShard, type ShardPlace } from '../shards/open-shards.ts';
import type { ShardMap } from '../shards/shard-map.ts';
import type { ShardRoster } from '../shards/shard-roster.ts';
import type { DoomedShards } from './doomed-shards.ts';

export interface ShardRemovalPorts {
  readonly clock: Pick<Clock, 'wallNs'>;
  readonly shards: ShardMap;
  readonly damaged: Map<number, DamagedShard>;
  readonly opener: ShardOpener;
  readonly maker: ShardMaker;
  readonly doomed: DoomedShards;
  readonly roster: ShardRoster | undefined;
  readonly releases: SegmentReleases;
  readonly folderOf: (place: ShardPlace) => string;
  /** Of all shards, damaged ones as well. */
  readonly places: () => readonly ShardPlace[];
}

export class ShardRemoval {
  readonly #ports: ShardRemovalPorts;

  constructor(ports: ShardRemovalPorts) {
    this.#ports = ports;
  }

  /** Takes the shard out at once and removes its folder. Missing is no error. When it fails it may be asked again. */
  async remove(shardId: number): Promise<void> {
    await this.#takeOut(shardId);
  }

  /** Takes the shard out and keeps its folder under another name, which is answered; it may come to be again then. */
  async setAside(shardId: number): Promise<string> {
    const { doomed, folderOf, places } = this.#ports;
    const before = doomed.asideOf(shardId);
    if (before !== undefined) {
      await this.#takeOut(shardId, before);
      return before;
    }
    const place = places().find((one) => one.shardId === shardId);
    if (place === undefined) throw new DbError('not_found', `shard ${shardId} is not here`);
    const asideTo = `${folderOf(place)}${asideSuffix}${this.#wallMs()}`;
    await this.#takeOut(shardId, asideTo);
    return asideTo;
  }

  async #takeOut(shardId: number, asideTo?: string): Promise<void> {
    const { shards, damaged, opener, maker, doomed, roster, releases, folderOf } = this.#ports;
    await opener.open(shardId);
    await maker.settled(shardId);
    const open = shards.get(shardId);
    const place = open?.place ?? damaged.get(shardId)?.place ?? maker.leftBehind(shardId);
    if (place !== undefined) {
      shards.delete(shardId);
      damaged.delete(shardId);
      // How many records there are of one that is damaged nobody knows: fewer than milliseconds since 1970.
      const sequence = open?.sequence ?? Number(this.#wallMs());
      maker.gone(shardId, sequence, { isAside: asideTo !== undefined });
      doomed.add(shardId, { place, folder: folderOf(place), open, asideTo });
    }
    await doomed.remove(shardId);
    // Also of one that was set aside, and has not come to be again.
    if (asideTo === undefined) await roster?.gone(shardId);
    await releases.release();
  }

  #wallMs(): bigint {
    return this.#ports.clock.wallNs() / 1_000_000n;
  }
}
