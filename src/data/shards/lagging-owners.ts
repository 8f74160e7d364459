/** Told of a copy that an owner lacked when its client was answered. */
export interface Lag {
  /** The owner has it now, or it is lost, which addLost() says. */
  caughtUp(): void;
  /** Hinted handoff keeps it: behind what was there already, the owner lacks this too. */
  wasQueued(): void;
}

/** Numbers of writes, of one sequence for all shards; 0 for none. */
interface Missed {
  pendingCount: number;
  lastPending: number;
  /** What hinted handoff has for it. */
  lastQueued: number;
  /** What could neither be written nor queued, or was dropped: the owner lacks it until somebody repairs it. */
  lastLost: number;
  /** When that was known; monotonic. */
  lostAtMs: number;
  /** What other nodes keep for it, by their ids: as many as there are nodes. */
  readonly kept: Map<number, number>;
}

/** Looking through all of them is worth it when there may be many of shards that are gone. */
const pruneMin = 1_000;

/**
 * Which owners lack something that went through this node, and since when: this node reads from those that have what is
 * newest, so that a client sees what it has written, and an owner that was away is not read before it has caught up.
 *
 * Bounded by the owners of shards: a few numbers are kept for an owner that lacks something, none for the others. A write
 * under way whose client has not been told of it is promised to nobody, so it is not counted.
 */
export class LaggingOwners {
  readonly #missed = new Map<string, Missed>();
  readonly #hasShard: (shardId: number) => boolean;
  readonly #nowMs: () => number;
  readonly #clusterOf: () => bigint;
  /** Whose shards and nodes those are: in another cluster others have the same numbers. */
  #clusterId = 0n;
  /** The first that is missed stands behind what waits elsewhere, which is at 1 (server/node/write-path.ts). */
  #writeCount = 1;
  #pruneAt = pruneMin;

  /**
   * `hasShard` says whether the catalog still has a shard: what was lost of one that is gone is forgotten. `clusterOf`: 0 while
   * the node is of none.
   */
  constructor(
    hasShard: (shardId: number) => boolean,
    nowMs: () => number,
    clusterOf: () => bigint = () => 0n,
  ) {
    this.#hasShard = hasShard;
    this.#nowMs = nowMs;
    this.#clusterOf = clusterOf;
  }

  /** When `nodeId` last missed something of this shard: the later, the less it has. 0 when it lacks nothing. */
  missedAt(shardId: number, nodeId: number): number {
    if (this.#missed.size > 0) this.#look();
    const missed = this.#missed.get(keyOf(shardId, nodeId));
    if (missed === undefined) return 0;
    const pending = missed.pendingCount > 0 ? missed.lastPending : 0;
    return Math.max(pending, missed.lastQueued, missed.lastLost, ...missed.kept.values());
  }

  /** A client is being answered, and the owner has not acknowledged its copy. */
  add(shardId: number, nodeId: number): Lag {
    let number = 0;
    this.#change(shardId, nodeId, (missed, now) => {
      number = now;
      missed.pendingCount++;
      missed.lastPending = now;
    });
    let isOver = false;
    const end = (isQueued: boolean): void => {
      if (isOver) return;
      isOver = true;
      this.#change(shardId, nodeId, (missed) => {
        // A shard that was forgotten meanwhile has begun anew: what ends now was not counted.
        missed.pendingCount = Math.max(0, missed.pendingCount - 1);
        // Unless the queue has been drained since.
        if (isQueued && missed.lastQueued > 0)
          missed.lastQueued = Math.max(missed.lastQueued, number);
      });
    };
    return {
      caughtUp: () => {
        end(false);
      },
      wasQueued: () => {
        end(true);
      },
    };
  }

  /** The owner will never get it from here. */
  addLost(shardId: number, nodeId: number): void {
    this.#change(shardId, nodeId, (missed, now) => {
      missed.lastLost = now;
      missed.lostAtMs = this.#nowMs();
    });
  }

  /** The owners of the shard were made equal, by a repair that began then: what was lost before they lack no more. */
  repaired(shardId: number, beganMs: number): void {
    for (const [key, { lastLost, lostAtMs }] of [...this.#missed]) {
      const [ofShard = 0, nodeId = 0] = key.split(' ').map(Number);
      if (ofShard !== shardId || lastLost === 0 || lostAtMs >= beganMs) continue;
      this.#change(shardId, nodeId, (missed) => {
        missed.lastLost = 0;
      });
    }
  }

  /**
   * What a node lacked that owns the shard no more, nor is to, went with its copy: should it be brought another one, that has what
   * its source has.
   */
  ownersChanged(takesWrites: (shardId: number, nodeId: number) => boolean): void {
    for (const [key, { lastLost }] of this.#missed) {
      const [shardId = 0, nodeId = 0] = key.split(' ').map(Number);
      if (lastLost === 0 || takesWrites(shardId, nodeId)) continue;
      this.#change(shardId, nodeId, (missed) => {
        missed.lastLost = 0;
      });
    }
  }

  /** What owners lack until somebody repairs it, by the node that does: other nodes are told, and the owner itself. */
  get lost(): readonly { readonly nodeId: number; readonly shardIds: readonly number[] }[] {
    this.#look();
    const byNode = new Map<number, number[]>();
    for (const [key, { lastLost }] of this.#missed) {
      const [shardId = 0, nodeId = 0] = key.split(' ').map(Number);
      if (lastLost > 0) byNode.set(nodeId, [...(byNode.get(nodeId) ?? []), shardId]);
    }
    return Array.from(byNode, ([nodeId, shardIds]) => ({ nodeId, shardIds }));
  }

  /** Another node keeps something for the owner, since this one could not. */
  addKept(shardId: number, nodeId: number, keeperId: number): void {
    this.#change(shardId, nodeId, (missed, now) => {
      missed.kept.set(keeperId, now);
    });
  }

  /** Whether some node has to be asked what it still keeps. */
  get hasKept(): boolean {
    for (const { kept } of this.#missed.values()) if (kept.size > 0) return true;
    return false;
  }

  /** Taken before a node is asked: what it is given to keep later may not be in its answer. */
  get now(): number {
    return this.#writeCount;
  }

  /** What `keeperId` was asked at `askedAt` to tell: of what it keeps no more the owners have been brought everything. */
  keeperTold(
    keeperId: number,
    askedAt: number,
    keeps: (shardId: number, nodeId: number) => boolean,
  ): void {
    for (const [key, { kept }] of [...this.#missed]) {
      const [shardId = 0, nodeId = 0] = key.split(' ').map(Number);
      if ((kept.get(keeperId) ?? Infinity) > askedAt || keeps(shardId, nodeId)) continue;
      this.#change(shardId, nodeId, (missed) => {
        missed.kept.delete(keeperId);
      });
    }
  }

  /** Hinted handoff keeps something for the owner. */
  addQueued(shardId: number, nodeId: number): void {
    this.#change(shardId, nodeId, (missed, now) => {
      missed.lastQueued = now;
    });
  }

  /** Hinted handoff has nothing more for the owner. */
  drained(shardId: number, nodeId: number): void {
    this.#change(shardId, nodeId, (missed) => {
      missed.lastQueued = 0;
    });
  }

  #look(): void {
    const clusterId = this.#clusterOf();
    if (clusterId === 0n || clusterId === this.#clusterId) return;
    if (this.#clusterId !== 0n) this.#missed.clear();
    this.#clusterId = clusterId;
  }

  #change(shardId: number, nodeId: number, by: (missed: Missed, now: number) => void): void {
    this.#look();
    const key = keyOf(shardId, nodeId);
    const missed =
      this.#missed.get(key) ?? { pendingCount: 0, lastPending: 0, lastQueued: 0, lastLost: 0, lostAtMs: 0, kept: new Map() }; // prettier-ignore
    by(missed, ++this.#writeCount);
    const isComplete = missed.pendingCount + missed.lastQueued + missed.lastLost + missed.kept.size === 0; // prettier-ignore
    if (isComplete) this.#missed.delete(key);
    else this.#missed.set(key, missed);
    if (this.#missed.size >= this.#pruneAt) this.#prune();
  }

  #prune(): void {
    for (const key of this.#missed.keys())
      if (!this.#hasShard(Number(key.split(' ')[0]))) this.#missed.delete(key);
    this.#pruneAt = Math.max(pruneMin, this.#missed.size * 2);
  }
}

function keyOf(shardId: number, nodeId: number): string {
  return `${shardId} ${nodeId}`;
}
