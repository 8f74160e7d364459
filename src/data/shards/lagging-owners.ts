/** Told of a copy that an owner lacked when its client was answered. */
export interface Lag {
  /** The owner has it now. */
  caughtUp(): void;
}

/** Looking through all of them is worth it when there may be many of shards that are gone. */
const pruneMin = 1_000;

interface Lags {
  pendingCount: number;
  /** What could neither be written nor queued: the owner lacks it until somebody repairs it. */
  lostCount: number;
}

/**
 * Which owners lack something that a client of this node has been told is written: this node does not read from them
 * while another owner is up, so that a client sees what it has written.
 *
 * Bounded by the owners of shards: only counts are kept, and none for an owner that has everything. A write that no
 * client has been told of is promised to nobody, so it is not counted.
 */
export class LaggingOwners {
  readonly #lags = new Map<string, Lags>();
  readonly #hasShard: (shardId: number) => boolean;
  #pruneAt = pruneMin;

  /** `hasShard` says whether the catalog still has a shard: what was lost of one that is gone is forgotten. */
  constructor(hasShard: (shardId: number) => boolean) {
    this.#hasShard = hasShard;
  }

  /** Whether `nodeId` lacks something of this shard. */
  isBehind(shardId: number, nodeId: number): boolean {
    return this.#lags.has(keyOf(shardId, nodeId));
  }

  /** A client is being answered, and the owner has not acknowledged its copy. */
  add(shardId: number, nodeId: number): Lag {
    this.#change(shardId, nodeId, { pendingCount: 1, lostCount: 0 });
    let isOver = false;
    return {
      caughtUp: () => {
        if (!isOver) this.#change(shardId, nodeId, { pendingCount: -1, lostCount: 0 });
        isOver = true;
      },
    };
  }

  /** The owner will never get it from here. */
  addLost(shardId: number, nodeId: number): void {
    this.#change(shardId, nodeId, { pendingCount: 0, lostCount: 1 });
  }

  #change(shardId: number, nodeId: number, by: Readonly<Lags>): void {
    const key = keyOf(shardId, nodeId);
    const known = this.#lags.get(key) ?? { pendingCount: 0, lostCount: 0 };
    // A shard that was forgotten meanwhile begins anew: what ends now was not counted.
    const pendingCount = Math.max(0, known.pendingCount + by.pendingCount);
    const lostCount = known.lostCount + by.lostCount;
    if (pendingCount + lostCount === 0) this.#lags.delete(key);
    else this.#lags.set(key, { pendingCount, lostCount });
    if (this.#lags.size >= this.#pruneAt) this.#prune();
  }

  #prune(): void {
    for (const key of this.#lags.keys())
      if (!this.#hasShard(Number(key.split(' ')[0]))) this.#lags.delete(key);
    this.#pruneAt = Math.max(pruneMin, this.#lags.size * 2);
  }
}

function keyOf(shardId: number, nodeId: number): string {
  return `${shardId} ${nodeId}`;
}
