/**
 * Copies that their owner sent back because the shard is not there: its catalog is ahead of the one that they were routed by. This node
 * waits until its own says what became of the shard (decision 148).
 *
 * - Of a shard that was dropped nothing is queued, nor counted as kept: whoever writes routes the points anew.
 * - What went to an owner that gave the shard up waits in hinted handoff, which brings it to the owners of now.
 * - At most `bytesMax` wait here; beyond, copies go to hinted handoff, which finds out as well.
 */
import { DbError, isDbError } from '../../base/errors.ts';
import { MiB } from '../../base/units.ts';
import type { Clock } from '../../env/clock.ts';
import type { MetaAccess } from '../../meta/client/meta-access.ts';
import { takesWrites } from '../../meta/model/shard-copies.ts';
import type { ShardBatch } from '../engine/shard-access.ts';
import { isShardGone } from '../shards/shard-places.ts';
import type { HintSink } from './hint-sink.ts';
import type { ShareOutcome } from './share.ts';

export interface StrayCopiesPorts {
  readonly clock: Pick<Clock, 'monotonicMs' | 'sleep'>;
  readonly meta: Pick<MetaAccess, 'catalog' | 'nodeId'>;
  readonly hintsOf: (nodeId: number) => Pick<HintSink, 'enqueue'>;
}

/** As long as it takes to watch another meta node where one has gone silent; shorter than anybody waits for a write. */
const catalogWaitMs = 7_000;
const catalogPollMs = 5;
const bytesMaxDefault = 64 * MiB;

export class StrayCopies {
  readonly #ports: StrayCopiesPorts;
  readonly #bytesMax: number;
  #bytes = 0;

  constructor(ports: StrayCopiesPorts, bytesMax = bytesMaxDefault) {
    this.#ports = ports;
    this.#bytesMax = bytesMax;
  }

  /** What becomes of a copy with this outcome; undefined where that has nothing to do with the catalog. */
  settle(
    nodeId: number,
    batch: ShardBatch,
    outcome: ShareOutcome,
  ): Promise<ShareOutcome> | undefined {
    if (outcome.kind === 'written') return undefined;
    const { shardId } = batch;
    if (isShardGone(this.#ports.meta.catalog, shardId))
      return Promise.resolve(goneOutcome(shardId));
    const isSentBack = outcome.kind === 'lost' && isDbError(outcome.error, 'shard_not_found');
    return isSentBack ? this.#learn(nodeId, batch, outcome.error) : undefined;
  }

  async #learn(nodeId: number, batch: ShardBatch, error: unknown): Promise<ShareOutcome> {
    const { meta, hintsOf } = this.#ports;
    const lengthBytes = batch.payload.length;
    if (nodeId !== meta.nodeId && this.#bytes + lengthBytes <= this.#bytesMax) {
      this.#bytes += lengthBytes;
      await this.#wait(batch.shardId, nodeId);
      this.#bytes -= lengthBytes;
    }
    if (isShardGone(meta.catalog, batch.shardId)) return goneOutcome(batch.shardId);
    const kept = await hintsOf(nodeId).enqueue([batch], error);
    return kept.kind === 'queued' ? { kind: 'queued', error } : kept;
  }

  async #wait(shardId: number, nodeId: number): Promise<void> {
    const { clock, meta } = this.#ports;
    const giveUpMs = clock.monotonicMs() + catalogWaitMs;
    while (takesWrites(meta.catalog, shardId, nodeId) && clock.monotonicMs() < giveUpMs)
      await clock.sleep(catalogPollMs);
  }
}

function goneOutcome(shardId: number): ShareOutcome {
  return { kind: 'gone', error: new DbError('shard_not_found', `shard ${shardId} was dropped`) };
}
