import { rowCountOf, valueCountOf } from '../../models/point-batch.ts';
import { Counters } from '../../telemetry/counters.ts';
import type { ShardNumbers } from '../../storage/store/shards/shard-facts.ts';

/** What is counted of writes to a shard since the node started. */
const names = ['writeBytes', 'writePointsDropped', 'writePointsErr', 'writePointsOk', 'writeReq', 'writeReqErr', 'writeReqOk', 'writeValuesOk'] as const; // prettier-ignore
type Name = (typeof names)[number];

/** A shard's numbers as they cross threads. */
export interface CountedShard extends ShardNumbers {
  readonly writes: Readonly<Record<string, number>>;
}

/** Of the shards of one worker. */
export class ShardCounters {
  readonly #byShard = new Map<number, Counters<Name>>();

  /** Counts a write of a batch, and what became of it. */
  async count<T extends { readonly droppedCount: number; readonly asks?: unknown }>(
    shardId: number,
    payload: Uint8Array,
    written: Promise<T>,
  ): Promise<T> {
    const counters = this.#of(shardId);
    const pointCount = rowCountOf(payload);
    try {
      const receipt = await written;
      // It is tried again once that is answered.
      if (receipt.asks !== undefined) return receipt;
      counters.add('writeReq');
      counters.add('writeReqOk');
      counters.add('writeBytes', payload.length);
      const writtenCount = pointCount - receipt.droppedCount;
      counters.add('writePointsOk', writtenCount);
      // Which points were dropped is not known here: values are counted as if all had as many.
      if (writtenCount > 0) counters.add('writeValuesOk', Math.round((valueCountOf(payload) * writtenCount) / pointCount)); // prettier-ignore
      counters.add('writePointsDropped', receipt.droppedCount);
      return receipt;
    } catch (error) {
      counters.add('writeReq');
      counters.add('writeReqErr');
      counters.add('writePointsErr', pointCount);
      throw error;
    }
  }

  /** The same of bodies that are written as one, or not at all: each goes by itself, and is counted, then. */
  async countJoined<T extends { readonly droppedCount: number }>(
    shardId: number,
    { payload, requestCount }: { readonly payload: Uint8Array; readonly requestCount: number },
    written: Promise<T>,
  ): Promise<T> {
    const receipt = await written;
    if (receipt.droppedCount > 0) return receipt;
    const counters = this.#of(shardId);
    counters.add('writeReq', requestCount);
    counters.add('writeReqOk', requestCount);
    counters.add('writeBytes', payload.length);
    counters.add('writePointsOk', rowCountOf(payload));
    counters.add('writeValuesOk', valueCountOf(payload));
    return receipt;
  }

  /** With the shards that are there; what was counted of others is forgotten. */
  read(shards: readonly ShardNumbers[]): readonly CountedShard[] {
    const ids = new Set(shards.map(({ shardId }) => shardId));
    for (const shardId of this.#byShard.keys()) if (!ids.has(shardId)) this.#byShard.delete(shardId); // prettier-ignore
    return shards.map((shard) => ({ ...shard, writes: this.#of(shard.shardId).values() }));
  }

  #of(shardId: number): Counters<Name> {
    const known = this.#byShard.get(shardId) ?? new Counters(names);
    this.#byShard.set(shardId, known);
    return known;
  }
}
