/**
 * The copies that go to one other node. While calls to it are under way the batches that come meanwhile gather, and the
 * next call carries them all: many small writes cost few calls, and none waits for company.
 *
 * Invariants:
 * - Batches of one shard arrive in the order they were sent: at most one group of a shard is under way at a time.
 * - What a call may not have brought goes to hinted handoff before the next group of that shard moves, and while its
 *   queue has something for the shard all others follow it there, or wait where the last of it is on its way.
 * - Memory is bounded: past `queueBytesMax` a share is not accepted before there is room.
 */
import { Latch } from '../../base/async/latch.ts';
import { DbError } from '../../base/errors.ts';
import { MiB } from '../../base/units.ts';
import type { BatchOutcome, ShardBatch, WriteCall } from '../engine/shard-access.ts';
import { settleOutcomes, type HintSink } from './hint-sink.ts';
import type { BatchCopies, SettledCalls } from './settled-calls.ts';
import type { Share, ShareOutcome } from './share.ts';

export interface OutboxPorts {
  /** One call; its outcomes are in the order of the batches. Rejects when it did not come back. */
  readonly deliver: (
    batches: readonly ShardBatch[],
    call: WriteCall | undefined,
  ) => Promise<readonly BatchOutcome[]>;
  readonly hints: HintSink;
  readonly settled: Pick<SettledCalls, 'begin'>;
}

export interface OutboxLimits {
  readonly queueBytesMax: number;
  readonly callBytesMax: number;
  readonly callsMax: number;
}

/** Calls beyond 8 MiB bring nothing more, and a busy peer should not have to hold larger ones. */
export const outboxLimits: OutboxLimits = {
  queueBytesMax: 64 * MiB,
  callBytesMax: 8 * MiB,
  callsMax: 4,
};

interface Item {
  readonly batch: ShardBatch;
  readonly copies: BatchCopies | undefined;
  readonly accepted: Latch<undefined>;
  readonly outcome: Latch<ShareOutcome>;
}

export class NodeOutbox {
  readonly #ports: OutboxPorts;
  readonly #limits: OutboxLimits;
  /** Accepted and not under way, by shard; each list is in order. */
  readonly #byShard = new Map<number, Item[]>();
  /** Shards of #byShard that have no group under way, the longest waiting first. */
  readonly #ready = new Set<number>();
  readonly #busy = new Set<number>();
  /** Not accepted yet. */
  #waiting: Item[] = [];
  #queuedBytes = 0;
  #callCount = 0;

  constructor(ports: OutboxPorts, limits: OutboxLimits = outboxLimits) {
    this.#ports = ports;
    this.#limits = limits;
  }

  /** Bytes that are accepted and not settled. */
  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  /** `copies`: of the batch, where others get it too. */
  send(batch: ShardBatch, copies?: BatchCopies): Share {
    const item: Item = { batch, copies, accepted: new Latch(), outcome: new Latch() };
    this.#waiting.push(item);
    this.#admit();
    this.#pump();
    return { accepted: item.accepted.promise, outcome: item.outcome.promise };
  }

  #admit(): void {
    let count = 0;
    for (const item of this.#waiting) {
      const lengthBytes = item.batch.payload.length;
      const hasRoom = this.#queuedBytes + lengthBytes <= this.#limits.queueBytesMax;
      if (!hasRoom && this.#queuedBytes > 0) break;
      this.#queuedBytes += lengthBytes;
      this.#append(item);
      item.accepted.open(undefined);
      count++;
    }
    if (count > 0) this.#waiting = this.#waiting.slice(count);
  }

  #append(item: Item): void {
    const { shardId } = item.batch;
    const items = this.#byShard.get(shardId);
    if (items !== undefined) items.push(item);
    else this.#byShard.set(shardId, [item]);
    if (!this.#busy.has(shardId)) this.#ready.add(shardId);
  }

  #pump(): void {
    for (const shardId of this.#ready) {
      if (!this.#ports.hints.isQueued(shardId)) continue;
      const closing = this.#ports.hints.closing(shardId);
      if (closing === undefined) this.#follow(this.#takeShard(shardId));
      else this.#hold(shardId, closing);
    }
    while (this.#ready.size > 0 && this.#callCount < this.#limits.callsMax) {
      const group: Item[] = [];
      let bytes = 0;
      for (const shardId of this.#ready) {
        if (bytes >= this.#limits.callBytesMax) break;
        for (const item of this.#takeShard(shardId, this.#limits.callBytesMax - bytes)) {
          group.push(item);
          bytes += item.batch.payload.length;
        }
      }
      this.#call(group);
    }
  }

  /** Takes the shard's next items, at least one, for a group that is under way from now on. */
  #takeShard(shardId: number, bytesMax = this.#limits.callBytesMax): readonly Item[] {
    const items = this.#byShard.get(shardId) ?? [];
    let bytes = 0;
    let count = 0;
    for (const { batch } of items) {
      if (count > 0 && bytes + batch.payload.length > bytesMax) break;
      bytes += batch.payload.length;
      count++;
    }
    const taken = items.splice(0, count);
    if (items.length === 0) this.#byShard.delete(shardId);
    this.#ready.delete(shardId);
    this.#busy.add(shardId);
    return taken;
  }

  #call(group: readonly Item[]): void {
    this.#callCount++;
    const settle = (outcomes: readonly ShareOutcome[]): void => {
      this.#callCount--;
      this.#settleGroup(group, outcomes);
    };
    this.#deliver(group).then(settle, (error: unknown) => {
      // Hint sinks do not throw; should one, the batch is lost and says so.
      settle(group.map(() => ({ kind: 'lost', error })));
    });
  }

  async #deliver(group: readonly Item[]): Promise<readonly ShareOutcome[]> {
    const batches = group.map(({ batch }) => batch);
    const call = this.#ports.settled.begin(group.map(({ copies }) => copies));
    let results: readonly BatchOutcome[];
    try {
      results = await this.#ports.deliver(batches, call);
    } catch (error) {
      results = batches.map(() => ({ kind: 'failed', error }));
    }
    return settleOutcomes(batches, results, this.#ports.hints);
  }

  /** What waits for the shard stays until its queue is empty, or is not to be. */
  #hold(shardId: number, closing: Promise<void>): void {
    this.#ready.delete(shardId);
    this.#busy.add(shardId);
    void closing.then(() => {
      this.#busy.delete(shardId);
      if (this.#byShard.has(shardId)) this.#ready.add(shardId);
      this.#pump();
    });
  }

  /** Behind what the queue has of this shard. */
  #follow(group: readonly Item[]): void {
    const batches = group.map(({ batch }) => batch);
    const error = new DbError('unavailable', 'hinted handoff queue not empty');
    const settle = (outcome: ShareOutcome): void => {
      this.#settleGroup(
        group,
        group.map(() => outcome),
      );
    };
    this.#ports.hints.enqueue(batches, error).then(settle, (failure: unknown) => {
      settle({ kind: 'lost', error: failure });
    });
  }

  #settleGroup(group: readonly Item[], outcomes: readonly ShareOutcome[]): void {
    group.forEach(({ batch, outcome }, i) => {
      this.#busy.delete(batch.shardId);
      if (this.#byShard.has(batch.shardId)) this.#ready.add(batch.shardId);
      this.#queuedBytes -= batch.payload.length;
      outcome.open(outcomes[i] ?? withoutOutcome());
    });
    this.#admit();
    this.#pump();
  }
}

/** Made only where it is needed: the stack of an error costs more than all else that is done here for a batch. */
function withoutOutcome(): ShareOutcome {
  return { kind: 'lost', error: new DbError('internal', 'a batch has no outcome') };
}
