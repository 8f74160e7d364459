/** The shards that are written to: one that is pending is opened, and one that is not here is made. */
import { DbError } from '../../../base/errors.ts';
import type { TextColumn } from '../../../models/point-batch.ts';
import { damagedShardError } from '../../engine/damaged-shard.ts';
import type { DoomedShards } from '../deletes/doomed-shards.ts';
import type { DatabaseSeries } from '../shards/database-series.ts';
import type { DamagedShard, OpenShard, ShardPlace } from '../shards/open-shards.ts';
import type { WritePlace } from '../shards/shard-facts.ts';
import type { ShardMap } from '../shards/shard-map.ts';
import type { NewShard, ShardMaker } from './shard-maker.ts';
import type { ShardOpener } from './shard-opener.ts';

export interface WrittenShardsPorts {
  readonly shards: ShardMap;
  readonly damaged: ReadonlyMap<number, DamagedShard>;
  readonly opener: Pick<ShardOpener, 'hasPendingOf' | 'isPending' | 'open' | 'openOf'>;
  readonly maker: Pick<ShardMaker, 'make'>;
  readonly doomed: Pick<DoomedShards, 'has'>;
  readonly series: Pick<DatabaseSeries, 'asksForAll'>;
}

export class WrittenShards {
  readonly #ports: WrittenShardsPorts;

  constructor(ports: WrittenShardsPorts) {
    this.#ports = ports;
  }

  /** With all shards of its database where limits of series ask for them: it has a series that is in none that is open. */
  async openFor(place: WritePlace, series: TextColumn): Promise<OpenShard> {
    const open = await this.open(place);
    const { opener } = this.#ports;
    const { database } = place;
    if (!opener.hasPendingOf(database)) return open;
    if (!this.#ports.series.asksForAll(database, series)) return open;
    await opener.openOf(database);
    return this.open(place);
  }

  /** Makes the shard when it is not here. Throws what is wrong with a damaged one. */
  async open({ clusterId, copyIndex, ...place }: WritePlace): Promise<OpenShard> {
    const { opener, damaged, shards } = this.#ports;
    const { shardId } = place;
    if (opener.isPending(shardId)) await opener.open(shardId);
    refuseDamaged(damaged, shardId);
    const copy = copyIndex === undefined ? undefined : { index: copyIndex, isWhole: false };
    return shards.get(shardId) ?? this.#create(place, { clusterId, copy });
  }

  #create(place: ShardPlace, one: NewShard): Promise<OpenShard> {
    const { doomed, maker, shards } = this.#ports;
    const { shardId } = place;
    if (doomed.has(shardId))
      return Promise.reject(new DbError('shard_not_found', `shard ${shardId} is being deleted`));
    return maker.make(place, one, (open) => {
      shards.set(shardId, open);
    });
  }
}

/** Throws what is wrong with a damaged shard. */
export function refuseDamaged(damaged: ReadonlyMap<number, DamagedShard>, shardId: number): void {
  const one = damaged.get(shardId);
  if (one !== undefined) throw damagedShardError(shardId, one.error);
}
