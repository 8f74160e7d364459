import { rowCountOf } from '../../models/point-batch.ts';
import { Counters } from '../../telemetry/counters.ts';
import type { Statistic } from '../../telemetry/statistics.ts';
import type { ShardBatch } from '../engine/shard-access.ts';
import type { WireOutcome } from './shard-methods.ts';

/** Fields of `cluster` (spec 1.11): what other nodes ask of this one. */
const names = ['createIteratorReq', 'fieldDimensionsReq', 'writeShardFail', 'writeShardPointsReq', 'writeShardReq'] as const; // prettier-ignore
/** Requests of the reference's nodes that ours do not make of each other. */
const neverMade = { copyShardReq: 0, expandSourcesReq: 0, iteratorCostReq: 0, openConnections: 0, removeShardReq: 0 }; // prettier-ignore

export class ServedCounters {
  readonly #counters = new Counters(names);

  statistics(): readonly Statistic[] {
    return [{ name: 'cluster', tags: {}, values: { ...neverMade, ...this.#counters.values() } }];
  }

  add(name: 'createIteratorReq' | 'fieldDimensionsReq'): void {
    this.#counters.add(name);
  }

  /** One request for each shard, as the reference sends them. */
  addWrites(batches: readonly ShardBatch[], outcomes: readonly WireOutcome[]): void {
    this.#counters.add('writeShardReq', batches.length);
    for (const { payload } of batches)
      this.#counters.add('writeShardPointsReq', rowCountOf(payload));
    this.#counters.add('writeShardFail', outcomes.filter(({ kind }) => kind === 'failed').length);
  }
}
