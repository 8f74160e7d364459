/**
 * The copies that this node owns itself. They go to the engine at once, which takes them in order and syncs them together.
 *
 * Invariants:
 * - What was handed over is written however long it takes: nobody cancels it.
 * - What failed goes to hinted handoff, and so does what was sent after it, or waits where the last of it is on its way: of two writes of a
 *   point the later one stays, and what waits comes to an end beside a steady writer.
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
/** As much as goes to another node at once. */
const followersBytesMax = 8 * MiB;

interface Item {
  readonly batch: ShardBatch;
  readonly accepted: Latch<undefined>;
  readonly outcome: Latch<ShareOutcome>;
}

/** Of one shard, on their way to its queue together. */
interface Followers {
  readonly batches: ShardBatch[];
  lengthBytes: number;
  /** What came before them is being kept. */
  isWaiting: boolean;
  readonly kept: Promise<ShareOutcome>;
}

export class LocalOutbox {
  readonly #ports: LocalOutboxPorts;
  readonly #queueBytesMax: number;
  /** By shard: what goes to its queue last; as many as there are with something on its way there. */
  readonly #followers = new Map<number, Followers>();
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
    while (hints.isQueued(batch.shardId)) {
      const closing = hints.closing(batch.shardId);
      if (closing !== undefined) {
        await closing;
        continue;
      }
      const error = new DbError('unavailable', 'hinted handoff queue not empty');
      const kept = await this.#follow(batch, error);
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

  /** Behind what the queue has of the shard. What comes while that takes some goes together: a disk syncs many as fast as one. */
  #follow(batch: ShardBatch, error: DbError): Promise<ShareOutcome> {
    const { shardId, payload } = batch;
    const last = this.#followers.get(shardId);
    if (last?.isWaiting === true && last.lengthBytes < followersBytesMax) {
      last.batches.push(batch);
      last.lengthBytes += payload.length;
      return last.kept;
    }
    const before = Promise.resolve(last?.kept);
    const next: Followers = { batches: [batch], lengthBytes: payload.length, isWaiting: true, kept: before.then(() => this.#keep(next, error)) }; // prettier-ignore
    this.#followers.set(shardId, next);
    void next.kept.then(() => {
      if (this.#followers.get(shardId) === next) this.#followers.delete(shardId);
    });
    return next.kept;
  }

  #keep(followers: Followers, error: DbError): Promise<ShareOutcome> {
    followers.isWaiting = false;
    return this.#ports.hints.enqueue(followers.batches, error);
  }
}
