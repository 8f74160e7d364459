import { damagedShardOf } from '../../storage/engine/damaged-shard.ts';
import { movedShardOf } from '../../storage/engine/moved-shard.ts';

/** After so many shards of one node it is passed over as a whole: each costs another attempt. */
const damagedShardsMax = 8;

/** A statement that so many shards have gone from under is not asked again for the next one. */
const movesMax = 16;

/**
 * Which owners failed a query, and why: a node as a whole, or for a shard of it that is damaged or has gone to another node. Its other
 * shards are read on, as it may be the only one that has all of them.
 */
export class FailedOwners {
  readonly #nodes = new Map<number, unknown>();
  readonly #shards = new Map<number, Map<number, unknown>>();

  #moveCount = 0;

  /** A shard has gone to another owner: from now on owners are those of the catalog as it is. False where that was so too often. */
  moved(): boolean {
    this.#moveCount++;
    return this.#moveCount <= movesMax;
  }

  /** Whether owners may be others than those that were found before. */
  get hasMoved(): boolean {
    return this.#moveCount > 0;
  }

  add(nodeId: number, error: unknown): void {
    const shardId = damagedShardOf(error) ?? movedShardOf(error);
    const shards = this.#shards.get(nodeId) ?? new Map<number, unknown>();
    this.#shards.set(nodeId, shards);
    // The same shard again is no progress.
    if (shardId === undefined || shards.has(shardId) || shards.size >= damagedShardsMax)
      this.#nodes.set(nodeId, error);
    else shards.set(shardId, error);
  }

  has(nodeId: number, shardId: number): boolean {
    return this.#nodes.has(nodeId) || this.#shards.get(nodeId)?.has(shardId) === true;
  }

  /** What the owner failed with. */
  reason(nodeId: number, shardId: number): unknown {
    return this.#shards.get(nodeId)?.get(shardId) ?? this.#nodes.get(nodeId);
  }
}
