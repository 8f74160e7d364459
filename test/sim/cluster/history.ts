import type { ConsistencyLevel } from '../../../src/data/write/consistency.ts';

/** One write of a client: `count` points of one series and one shard, told apart by their times. */
export interface Batch {
  readonly id: number;
  readonly timesNs: readonly bigint[];
  readonly level: ConsistencyLevel;
}

/** What clients asked for and were told, and what owners said. */
export class History {
  readonly asked = new Map<number, Batch>();
  /** Batches acknowledged to their client, with the catalog index that the coordinator had then. */
  readonly acknowledged = new Map<number, number>();
  /** Batches that an owner said to be durable, by its name. */
  readonly durable = new Map<string, Set<number>>();
  readonly #batchOfTime = new Map<bigint, number>();
  refusedCount = 0;

  ask(batch: Batch): void {
    this.asked.set(batch.id, batch);
    for (const timeNs of batch.timesNs) this.#batchOfTime.set(timeNs, batch.id);
  }

  batchOf(timeNs: bigint): Batch | undefined {
    return this.asked.get(this.#batchOfTime.get(timeNs) ?? -1);
  }

  noteDurable(node: string, timesNs: Iterable<bigint>): void {
    const batches = this.durable.get(node) ?? new Set<number>();
    this.durable.set(node, batches);
    for (const timeNs of timesNs) {
      const batch = this.batchOf(timeNs);
      if (batch !== undefined) batches.add(batch.id);
    }
  }
}
