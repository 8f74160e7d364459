/**
 * The copies that this node owns itself. They go to the engine at once, which takes them in order and syncs them together.
 *
 * Invariants:
 * - What was handed over is written however long it takes: nobody cancels it.
 * - What failed goes to hinted handoff, and so does what was sent after it: of two writes of a point the later one stays.
 * - Memory is bounded: past `queueBytesMax` a share is not accepted before there is room.
 */
import { Latch } from '../../base/async/latch.ts';
import { DbError } from '../../base/errors.ts';
import { MiB } from '../../base/units.ts';
import type { BatchOutcome, ShardBatch } from '../engine/shard-access.ts';
import { settleOutcomes, type HintSink } from './hint-sink.ts';
import type { Share, ShareOutcome } from './share.ts';

export interface LocalOutboxPorts {
  readonly write: (batch: ShardBatch) => Promise<BatchOutcome>;
  readonly hints: HintSink;
}

/** What a node's own engine may have before it: as much as bodies may be in memory at once. */
const queueBytesMax = 256 * MiB;

interface Item {
  readonly batch: ShardBatch;
  readonly accepted: Latch<undefined>;
  readonly outcome: Latch<ShareOutcome>;
}

export class LocalOutbox {
  readonly #ports: LocalOutboxPorts;
  readonly #queueBytesMax: number;
  #waiting: Item[] = [];
  #queuedBytes = 0;

  constructor(ports: LocalOutboxPorts, bytesMax = queueBytesMax) {
    this.#ports = ports;
    this.#queueBytesMax = bytesMax;
  }

  send(batch: ShardBatch): Share {
    const item: Item = { batch, accepted: new Latch(), outcome: new Latch() };
    this.#waiting.push(item);
    this.#admit();
    return { accepted: item.accepted.promise, outcome: item.outcome.promise };
  }

  #admit(): void {
    let count = 0;
    for (const item of this.#waiting) {
      const hasRoom = this.#queuedBytes + item.batch.payload.length <= this.#queueBytesMax;
      if (!hasRoom && this.#queuedBytes > 0) break;
      this.#queuedBytes += item.batch.payload.length;
      item.accepted.open(undefined);
      this.#start(item);
      count++;
    }
    if (count > 0) this.#waiting = this.#waiting.slice(count);
  }

  #start({ batch, outcome }: Item): void {
    void this.#write(batch)
      .catch((error: unknown): ShareOutcome => ({ kind: 'lost', error }))
      .then((settled) => {
        this.#queuedBytes -= batch.payload.length;
        outcome.open(settled);
        this.#admit();
      });
  }

  async #write(batch: ShardBatch): Promise<ShareOutcome> {
    const { hints, write } = this.#ports;
    if (hints.isQueued(batch.shardId)) {
      const error = new DbError('unavailable', 'hinted handoff queue not empty');
      const kept = await hints.enqueue([batch], error);
      return kept.kind === 'queued' ? kept : { kind: 'lost', error };
    }
    let result: BatchOutcome;
    try {
      result = await write(batch);
    } catch (error) {
      result = { kind: 'failed', error };
    }
    // Something sent before this may have failed meanwhile: brought later, it must not undo this.
    if (result.kind === 'written' && hints.isQueued(batch.shardId))
      await hints.enqueue([batch], undefined);
    const [outcome] = await settleOutcomes([batch], [result], hints);
    return outcome ?? { kind: 'lost', error: undefined };
  }
}
