/**
 * Deletes the shards of this node that the cluster has dropped, as after DROP DATABASE (spec F64), whenever that was: while
 * this node listened, while it was away, or before the first point of the shard came to it.
 *
 * Invariants:
 * - What was in a catalog that this node has seen and is in the next one no more goes at once.
 * - Of a shard that it never saw there the catalog tells all the same: ids count up for ever, so that one that is not above
 *   the highest id given and not in the catalog was dropped. That holds for shards that were made for this cluster, and is
 *   confirmed by the leader before anything is deleted.
 * - A shard of another cluster, or of which nobody knows for which it was made, is left alone.
 * - Nothing goes by the catalog of a node that is leaving its cluster: it is empty until the node has left, or was refused.
 * - One whose folder the disk does not let go is asked for again until it is gone, and keeps no other.
 */
import { Tasks } from '../../base/async/tasks.ts';
import { tryAll } from '../../base/async/try-all.ts';
import { DoublingPause } from '../../base/doubling-pause.ts';
import { errorText, isDbError } from '../../base/errors.ts';
import type { Clock, Timer } from '../../env/clock.ts';
import type { Log } from '../../env/log.ts';
import type { MetaAccess } from '../../meta/client/meta-access.ts';
import type { Catalog } from '../../meta/model/catalog.ts';
import { shardFate } from '../../meta/model/shard-fate.ts';
import type { AccessOptions } from '../engine/shard-access.ts';

/** A shard that this node has. */
export interface HeldShard {
  readonly shardId: number;
  readonly database: string;
  readonly retentionPolicy: string;
  readonly clusterId: bigint | undefined;
}

export interface DroppedShardsPorts {
  readonly clock: Clock;
  readonly log: Log;
  readonly meta: Pick<MetaAccess, 'catalog' | 'nodeId' | 'execute'>;
  readonly shards: {
    deleteShards(shardIds: readonly number[], options: AccessOptions): Promise<void>;
    readonly facts: { holdings(): Promise<readonly HeldShard[]> };
  };
}

const checkMs = 1_000;
const deadlineMs = 60_000;
/** While the catalog stays as it is, what this node holds is looked at so often: a write under way may make a shard late. */
const unchangedChecksMax = 10;
/** What failed is tried again after so long, and twice as long each time. */
const pause = { firstMs: 1_000, mostMs: 30_000 };
const leaseName = 'orphaned-shards';

export class DroppedShards {
  readonly #ports: DroppedShardsPorts;
  readonly #timer: Timer;
  readonly #tasks: Tasks;
  #seen: ReadonlySet<number>;
  /** Of which those are. */
  #clusterId: bigint;
  #checkedIndex = -1;
  #unchangedChecks = 0;
  readonly #dropped = new Set<number>();
  readonly #pause = new DoublingPause(pause);
  #isChecking = false;

  constructor(ports: DroppedShardsPorts) {
    this.#ports = ports;
    const { catalog } = ports.meta;
    this.#seen = shardIdsOf(catalog);
    this.#clusterId = catalog.clusterId;
    this.#tasks = new Tasks((name, error) => {
      ports.log.error('A task of the shards failed', { name, error: errorText(error) });
    });
    this.#timer = ports.clock.every(checkMs, () => {
      if (!this.#pause.lasts(ports.clock.monotonicMs()))
        this.#tasks.spawn('delete dropped shards', this.check());
    });
  }

  /** Deletes what the catalog has no more. */
  async check(): Promise<void> {
    if (this.#isChecking) return;
    this.#isChecking = true;
    try {
      if (this.#look(this.#ports.meta.catalog)) await this.#delete();
      this.#pause.succeeded();
    } catch (error) {
      // Looked at again the next time.
      this.#checkedIndex = -1;
      this.#pause.failed(this.#ports.clock.monotonicMs());
      this.#ports.log.warn('Dropped shards could not be deleted', { error: errorText(error) });
    } finally {
      this.#isChecking = false;
    }
  }

  async close(): Promise<void> {
    this.#timer.cancel();
    await this.#tasks.settled();
  }

  /** Whether what this node holds is to be looked at. */
  #look(catalog: Catalog): boolean {
    if (catalog.clusterId === 0n) return false;
    if (catalog.index === this.#checkedIndex && ++this.#unchangedChecks < unchangedChecksMax)
      return false;
    this.#checkedIndex = catalog.index;
    this.#unchangedChecks = 0;
    const present = shardIdsOf(catalog);
    // Another cluster gives the same ids to other shards.
    if (catalog.clusterId !== this.#clusterId) this.#dropped.clear();
    else for (const id of this.#seen) if (!present.has(id)) this.#dropped.add(id);
    this.#seen = present;
    this.#clusterId = catalog.clusterId;
    return true;
  }

  async #delete(): Promise<void> {
    const held = await this.#ports.shards.facts.holdings();
    const known = new Set(this.#dropped);
    const isKnown = ({ shardId }: HeldShard): boolean => known.has(shardId);
    const ids = new Set(held.map(({ shardId }) => shardId));
    for (const id of known) if (!ids.has(id)) this.#dropped.delete(id);
    const steps = [
      () => this.#deleteAll(held.filter(isKnown)),
      () => this.#deleteOrphans(held.filter((shard) => !isKnown(shard))),
    ];
    await tryAll(steps, 1, (step) => step());
  }

  async #deleteOrphans(held: readonly HeldShard[]): Promise<void> {
    const orphans = await this.#orphansOf(held);
    for (const { shardId: shard, database: db, retentionPolicy } of orphans) {
      this.#ports.log.info('The cluster has dropped a shard of this node', { shard, db, retentionPolicy }); // prettier-ignore
      // What the node knows of it goes with the first attempt.
      this.#dropped.add(shard);
    }
    await this.#deleteAll(orphans);
  }

  async #deleteAll(held: readonly HeldShard[]): Promise<void> {
    if (held.length === 0) return;
    const { log, shards } = this.#ports;
    const ids = held.map(({ shardId }) => shardId);
    await shards.deleteShards(ids, { deadlineMs });
    for (const shard of ids) {
      this.#dropped.delete(shard);
      log.info('Deleted shard', { shard });
    }
  }

  async #orphansOf(held: readonly HeldShard[]): Promise<readonly HeldShard[]> {
    const { meta } = this.#ports;
    if (!held.some((shard) => isOrphan(shard, meta.catalog))) return [];
    await this.#confirm();
    return held.filter((shard) => isOrphan(shard, meta.catalog));
  }

  /** The catalog is no older than this call once it resolves: the leader has committed something after it. */
  async #confirm(): Promise<void> {
    const { meta, clock } = this.#ports;
    const { nodeId } = meta;
    try {
      await meta.execute({ kind: 'acquire-lease', name: leaseName, nodeId, nowNs: clock.wallNs(), durationNs: 1n }); // prettier-ignore
    } catch (error) {
      // Another node has it: the leader has answered, and that was all.
      if (!isDbError(error, 'conflict')) throw error;
    }
  }
}

/** Only of a shard that was made for its cluster does a catalog tell. */
function isOrphan({ shardId, clusterId }: HeldShard, catalog: Catalog): boolean {
  if (clusterId === undefined || clusterId !== catalog.clusterId) return false;
  return shardFate(catalog, shardId) === 'dropped';
}

function shardIdsOf({ databases }: Catalog): ReadonlySet<number> {
  return new Set(Array.from(databases.shards(), ({ shard }) => shard.id));
}
