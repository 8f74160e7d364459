import { Tasks } from '../../base/async/tasks.ts';
import { errorText } from '../../base/errors.ts';
import type { Clock, Timer } from '../../env/clock.ts';
import type { Log } from '../../env/log.ts';
import type { MetaAccess } from '../../meta/client/meta-access.ts';
import type { Catalog } from '../../meta/model/catalog.ts';
import type { ShardAccess } from '../engine/shard-access.ts';

export interface DroppedShardsPorts {
  readonly clock: Clock;
  readonly log: Log;
  readonly meta: Pick<MetaAccess, 'catalog'>;
  readonly shards: Pick<ShardAccess, 'deleteShards'> & {
    shardIds(): Promise<readonly number[]>;
  };
}

const checkMs = 1_000;
const deadlineMs = 60_000;

/**
 * Deletes the shards of this node that have left the catalog, as after DROP DATABASE (spec F64); again later when the disk
 * failed. Only a shard that this node has seen in a catalog goes: a catalog that never had it (of a moment ago, or of a
 * cluster that was made anew over old folders) says nothing of it.
 */
export class DroppedShards {
  readonly #ports: DroppedShardsPorts;
  readonly #timer: Timer;
  readonly #tasks: Tasks;
  #seen: ReadonlySet<number>;
  #checkedIndex: number;
  readonly #dropped = new Set<number>();
  #isChecking = false;

  constructor(ports: DroppedShardsPorts) {
    this.#ports = ports;
    const { catalog } = ports.meta;
    this.#seen = shardIdsOf(catalog);
    this.#checkedIndex = catalog.index;
    this.#tasks = new Tasks((name, error) => {
      ports.log.error('A task of the shards failed', { name, error: errorText(error) });
    });
    this.#timer = ports.clock.every(checkMs, () => {
      this.#tasks.spawn('delete dropped shards', this.check());
    });
  }

  /** Deletes what has left the catalog since the last time. */
  async check(): Promise<void> {
    if (this.#isChecking) return;
    this.#isChecking = true;
    try {
      this.#look(this.#ports.meta.catalog);
      await this.#delete();
    } catch (error) {
      this.#ports.log.warn('Dropped shards could not be deleted', { error: errorText(error) });
    } finally {
      this.#isChecking = false;
    }
  }

  async close(): Promise<void> {
    this.#timer.cancel();
    await this.#tasks.settled();
  }

  #look(catalog: Catalog): void {
    if (catalog.index === this.#checkedIndex) return;
    this.#checkedIndex = catalog.index;
    const present = shardIdsOf(catalog);
    for (const id of this.#seen) if (!present.has(id)) this.#dropped.add(id);
    this.#seen = present;
  }

  async #delete(): Promise<void> {
    if (this.#dropped.size === 0) return;
    const { log, shards } = this.#ports;
    const held = new Set(await shards.shardIds());
    const dropped = [...this.#dropped].filter((id) => held.has(id));
    if (dropped.length > 0) await shards.deleteShards(dropped, { deadlineMs });
    for (const shard of dropped) log.info('Deleted shard', { shard });
    this.#dropped.clear();
  }
}

function shardIdsOf({ databases }: Catalog): ReadonlySet<number> {
  return new Set(Array.from(databases.shards(), ({ shard }) => shard.id));
}
