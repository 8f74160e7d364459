import type { Clock } from '../../../env/clock.ts';
import type { DiskFailure, DiskFailures } from '../../../env/disk-failures.ts';
import { latestOf, noStamp, type Stamp } from '../../../models/stamp.ts';
import type { PageCache } from '../../pages/page-cache.ts';
import type { OpeningProgress, ShardOpener } from '../opening/shard-opener.ts';
import {
  isAwaiting,
  isIncoming,
  type DamagedShard,
  type OpenShard,
  type ShardPlace,
} from './open-shards.ts';
import { factsOf, numbersOf, type ShardFacts, type ShardHolding, type ShardNumbers } from './shard-facts.ts'; // prettier-ignore
import type { ShardRoster } from './shard-roster.ts';

interface FactsPorts {
  readonly clock: Clock;
  readonly shards: ReadonlyMap<number, OpenShard>;
  readonly damaged: ReadonlyMap<number, DamagedShard>;
  readonly opener: ShardOpener;
  readonly roster: ShardRoster | undefined;
  /** Shards that the disk has not let come to be, or go, all the way: they have a folder. */
  readonly halfway: () => readonly ShardPlace[];
  /** Pages of the indexes' segments. */
  readonly pages: PageCache;
  readonly seriesBytes: () => number;
  readonly diskFailures: Pick<DiskFailures, 'current'>;
}

export interface ShardDamage {
  readonly shardId: number;
  /** Nobody reads or writes the shard; otherwise all that is sound of it is served. */
  readonly isRefused: boolean;
}

export interface StoreHealth extends OpeningProgress {
  /** As far as it has been met. */
  readonly damaged: readonly ShardDamage[];
  /** What the disk does not take. */
  readonly failing: readonly DiskFailure[];
}

/** What a store can say of its shards without reading their points: open ones, damaged ones, and those not open yet. */
export class StoreFacts {
  readonly #ports: FactsPorts;

  constructor(ports: FactsPorts) {
    this.#ports = ports;
  }

  /** Of the shards that were there at the start. */
  get opening(): OpeningProgress {
    return this.#ports.opener.progress;
  }

  /** The same with what of all shards is damaged. */
  get health(): StoreHealth {
    const { shards, damaged, opener, diskFailures } = this.#ports;
    const partly = [...shards].filter(([, { shard }]) => shard.files.some(({ damage }) => damage !== undefined)); // prettier-ignore
    const named = [
      ...Array.from(damaged.keys(), (shardId) => ({ shardId, isRefused: true })),
      ...partly.map(([shardId]) => ({ shardId, isRefused: false })),
    ];
    return { ...opener.progress, damaged: named, failing: diskFailures.current };
  }

  /** Shards that have a folder here and are not being deleted. */
  get places(): readonly ShardPlace[] {
    const { shards, damaged, opener } = this.#ports;
    const known = [...shards.values(), ...damaged.values()].map(({ place }) => place);
    return [...known, ...opener.pendingPlaces];
  }

  get shardIds(): readonly number[] {
    return this.places.map(({ shardId }) => shardId);
  }

  /** Of all that has a folder here, what is known: also of shards that somebody has to ask for once more, to be gone. */
  get holdings(): readonly ShardHolding[] {
    const { roster, halfway } = this.#ports;
    const held = (place: ShardPlace): ShardHolding => ({
      ...place,
      clusterId: roster?.clusterIdOf(place.shardId),
    });
    const rest = halfway().map((place) => ({ ...held(place), isHalfway: true }));
    return [...this.places.map(held), ...rest];
  }

  /** How the shards are that can be read, those too that are not open yet (spec 2.2, show-shards -v). */
  async states(): Promise<readonly ShardFacts[]> {
    const { clock, shards, opener } = this.#ports;
    const pending = await opener.facts();
    const nowMs = clock.monotonicMs();
    const whole = [...shards.values()].filter((open) => !isAwaiting(open));
    // Those that were opened meanwhile are not pending any more.
    const still = pending.filter(({ shardId }) => opener.isPending(shardId));
    return [...whole.map((open) => factsOf(open, nowMs)), ...still];
  }

  /** Of all that was applied here, and of shards that are not open yet; or of these, as far as they are open. */
  async latestStamp(shardIds?: readonly number[]): Promise<Stamp> {
    const { shards, opener } = this.#ports;
    if (shardIds !== undefined)
      return latestOf(shardIds.map((shardId) => shards.get(shardId)?.shard.latestStamp ?? noStamp));
    const pending = await opener.latestStamp();
    return latestOf([pending, ...[...shards.values()].map(({ shard }) => shard.latestStamp)]);
  }

  /** Open shards that nobody reads until a copy has come. */
  get awaitingIds(): readonly number[] {
    const open = [...this.#ports.shards.values()];
    return open.filter(({ manifest }) => isIncoming(manifest.manifest)).map(({ place }) => place.shardId); // prettier-ignore
  }

  /** What is counted of the open shards. */
  get numbers(): readonly ShardNumbers[] {
    return Array.from(this.#ports.shards.values(), numbersOf);
  }

  /** What the series of all shards take of memory, pages of segments aside. */
  get seriesBytes(): number {
    return this.#ports.seriesBytes();
  }

  /** Memory of the indexes: series that are kept there, and pages of segments that were read. */
  get indexBytes(): number {
    return this.seriesBytes + this.#ports.pages.usedBytes;
  }
}
