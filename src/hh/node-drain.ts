/**
 * Brings what waits for one node, shard by shard.
 *
 * Invariants:
 * - Of a shard one request is under way at a time, so that its writes arrive in the order they were queued, but for one that an
 *   owner cannot take while it takes others of the same request: that one comes again, and its stamp says where it belongs.
 * - A node that does not answer is left alone for `retryMs`, twice as long each time up to `retryMsMax`, anew from `retryMs` on
 *   once it is heard of, and then asked with one request; a shard that fails on a node that answers has a pause of its own.
 * - Of a queue that one request empties nothing more is asked to wait in it (`closing`), or a steady writer would keep it from ever being empty.
 *
 * Not here: what waits (node-hints.ts), how fast it is brought (drain-pace.ts).
 */
import { Latch } from '../base/async/latch.ts';
import { DbError, errorText } from '../base/errors.ts';
import type { Clock } from '../env/clock.ts';
import type { Log } from '../env/log.ts';
import { rowCountOf } from '../models/point-batch.ts';
import { DrainPace } from './drain-pace.ts';
import type { HintOptions } from './hint-options.ts';
import type { HintBlock } from './hint-queue.ts';
import type { DeliveryOutcome, HintTarget } from './hint-target.ts';
import type { OpenQueues } from './open-queues.ts';
import { endClosing, isDue, type ShardHints } from './shard-hints.ts';

export interface NodeDrainPorts {
  readonly nodeId: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly target: HintTarget;
  /** Writes of clients that this node was given so far. */
  readonly freshCount: () => number;
  /** All that waits, by its shard. */
  readonly shards: Map<number, ShardHints>;
  readonly read: OpenQueues;
}

/** Nobody waits longer for a queue to end: an owner may hang just then, or others may be brought first. */
const closingMsMax = 1_000;

export class NodeDrain {
  readonly #ports: NodeDrainPorts;
  readonly #options: HintOptions;
  readonly #closing = new AbortController();
  readonly #pace: DrainPace;
  #retryAtMs = 0;
  #retryMs = 0;
  #rateFreeAtMs = 0;
  #running: Promise<void> | undefined;
  #woken = new Latch<undefined>();

  constructor(ports: NodeDrainPorts, options: HintOptions) {
    this.#ports = ports;
    this.#options = options;
    this.#pace = new DrainPace(ports, options.batchBytesMax);
  }

  /** Bytes more wait than before. */
  queued(lengthBytes: number): void {
    this.#pace.queued(lengthBytes);
  }

  /** The node has been heard of: what waits for it need not wait any longer. One that starts asks before it answers, so it is asked anew soon. */
  wake(): void {
    this.#retryAtMs = 0;
    this.#retryMs = Math.min(this.#retryMs, this.#options.retryMs);
    this.#woken.open(undefined);
  }

  /** Runs while something waits. */
  run(): void {
    this.#woken.open(undefined);
    this.#running ??= this.#loop().finally(() => {
      this.#running = undefined;
      if (!this.#closing.signal.aborted && this.#hasWork()) this.run();
    });
  }

  #hasWork(): boolean {
    for (const shard of this.#ports.shards.values()) if (isDue(shard)) return true;
    return false;
  }

  async #loop(): Promise<void> {
    const { clock } = this.#ports;
    while (!this.#closing.signal.aborted && this.#hasWork()) {
      const waitMs = this.#nextAtMs() - clock.monotonicMs();
      // Of a remainder too small to add to the time no clock makes progress.
      if (waitMs > 0) await this.#rest(Math.max(1, waitMs));
      else await this.#round();
    }
  }

  /** When there is something to do: not before the node may be asked again, and one of the shards. */
  #nextAtMs(): number {
    let soonest = Infinity;
    for (const shard of this.#ports.shards.values())
      if (isDue(shard)) soonest = Math.min(soonest, shard.retryAtMs);
    return Math.max(soonest, this.#retryAtMs);
  }

  async #rest(waitMs: number): Promise<void> {
    this.#woken = new Latch();
    const timer = this.#ports.clock.after(waitMs, () => {
      this.#woken.open(undefined);
    });
    await this.#woken.promise;
    timer.cancel();
  }

  /** Brings what may be brought now; ends when the node fails or nothing is left that may. */
  async #round(): Promise<void> {
    // A node that has just failed is tried with one request.
    const isTrial = this.#retryMs > 0;
    const lanes = isTrial ? 1 : this.#options.concurrencyMax;
    const state = { isNodeDown: false };
    const lane = async (): Promise<void> => {
      for (let shard = this.#take(); shard !== undefined; shard = this.#take()) {
        try {
          await this.#bring(shard, state);
          // What was being appended is all that is left of one that ends.
          while (shard.closing !== undefined && shard.queue.hasUnread && !state.isNodeDown) await this.#bring(shard, state); // prettier-ignore
        } finally {
          shard.isBusy = false;
        }
        if (state.isNodeDown || isTrial || this.#closing.signal.aborted) return;
      }
    };
    await Promise.all(Array.from({ length: Math.max(1, lanes) }, lane));
  }

  #take(): ShardHints | undefined {
    const nowMs = this.#ports.clock.monotonicMs();
    for (const shard of this.#ports.shards.values()) {
      if (shard.isBusy || !isDue(shard) || shard.retryAtMs > nowMs) continue;
      shard.isBusy = true;
      // Those taken come last the next time.
      this.#ports.shards.delete(shard.shardId);
      this.#ports.shards.set(shard.shardId, shard);
      return shard;
    }
    return undefined;
  }

  /** One block of a shard. */
  async #bring(shard: ShardHints, state: { isNodeDown: boolean }): Promise<void> {
    const { target } = this.#ports;
    if (target.standing(this.#ports.nodeId, shard.shardId) !== 'owner') {
      this.#pause(shard);
      return;
    }
    this.#ports.read.touch(shard);
    const { batchBytesMax } = this.#options;
    if (this.#retryMs === 0 && shard.retryMs === 0 && shard.queue.unreadBytes <= batchBytesMax)
      this.#beginClosing(shard);
    try {
      await shard.queue.consume(batchBytesMax, (block) => this.#deliver(shard, block, state));
    } catch (error) {
      this.#warn('Hinted handoff could not read its queue', shard, error);
      this.#pause(shard);
    }
    if (shard.queue.isEmpty) this.drained(shard);
    else if (state.isNodeDown) endClosing(shard);
  }

  #beginClosing(shard: ShardHints): void {
    if (shard.closing !== undefined) return;
    const timer = this.#ports.clock.after(closingMsMax, () => {
      endClosing(shard);
    });
    shard.closing = { over: new Latch(), timer };
    this.#pace.hurry();
  }

  #isAnyClosing(): boolean {
    for (const { closing } of this.#ports.shards.values()) if (closing !== undefined) return true;
    return false;
  }

  /** Nothing waits for the shard any more. */
  drained(shard: ShardHints): void {
    this.#ports.target.onDrained(this.#ports.nodeId, shard.shardId);
    endClosing(shard);
  }

  /** How many records of the block are done with. */
  async #deliver(
    shard: ShardHints,
    { records }: HintBlock,
    state: { isNodeDown: boolean },
  ): Promise<number> {
    const payloads = records.map(({ payload }) => payload);
    const lengthBytes = payloads.reduce((sum, { length }) => sum + length, 0);
    let outcomes: readonly DeliveryOutcome[];
    const leave = await this.#pace.enter(payloads.length, lengthBytes);
    try {
      // Whoever waited for a node that stands still would find it so one after the other, each for as long as a deadline.
      if (state.isNodeDown || this.#closing.signal.aborted) return 0;
      await this.#holdRate(lengthBytes);
      const place = { nodeId: this.#ports.nodeId, shardId: shard.shardId };
      const heardFresh = (count: number): void => {
        this.#pace.heardFresh(count);
      };
      const options = {
        deadlineMs: this.#options.deadlineMs,
        signal: this.#closing.signal,
        heardFresh,
      };
      outcomes = await this.#ports.target.deliver(place, payloads, options);
    } catch (error) {
      shard.counters.add('writeNodeReqFail');
      if (!state.isNodeDown) this.#pauseNode(error);
      state.isNodeDown = true;
      return 0;
    } finally {
      // A rate that was asked for is kept to; whoever waits for the end of a queue waits for no rest.
      leave({ isHurried: this.#options.rateBytes > 0 || this.#isAnyClosing() });
    }
    this.#retryMs = 0;
    return this.#settle(shard, payloads, outcomes);
  }

  #settle(
    shard: ShardHints,
    payloads: readonly Uint8Array[],
    outcomes: readonly DeliveryOutcome[],
  ): number {
    let doneCount = 0;
    for (const payload of payloads) {
      const outcome = outcomes[doneCount];
      if (outcome === undefined || outcome.kind === 'failed') {
        shard.counters.add('writeNodeReqFail');
        this.#warn('An owner did not take hinted writes', shard, outcome?.error);
        this.#pause(shard);
        return doneCount;
      }
      if (outcome.kind === 'refused') {
        shard.counters.add('writeDropped');
        this.#warn('A hinted write that its owner refuses is dropped', shard, outcome.error);
      } else shard.counters.add('writeNodeReqPoints', rowCountOf(payload));
      shard.counters.add('bytesRead', payload.length);
      doneCount++;
    }
    shard.counters.add('writeNodeReq');
    shard.retryMs = 0;
    return doneCount;
  }

  async #holdRate(lengthBytes: number): Promise<void> {
    const { rateBytes } = this.#options;
    if (rateBytes === 0) return;
    const { clock } = this.#ports;
    const nowMs = clock.monotonicMs();
    const freeAtMs = Math.max(nowMs, this.#rateFreeAtMs);
    this.#rateFreeAtMs = freeAtMs + (lengthBytes / rateBytes) * 1_000;
    if (freeAtMs > nowMs) await clock.sleep(freeAtMs - nowMs, this.#closing.signal);
  }

  #pauseNode(error: unknown): void {
    if (this.#closing.signal.aborted) return;
    if (this.#retryMs === 0)
      this.#ports.log.info('A node does not take its hinted writes', {
        nodeId: this.#ports.nodeId,
        error: errorText(error),
      });
    this.#retryMs = this.#nextRetryMs(this.#retryMs);
    this.#retryAtMs = this.#ports.clock.monotonicMs() + this.#retryMs;
  }

  #pause(shard: ShardHints): void {
    endClosing(shard);
    shard.retryMs = this.#nextRetryMs(shard.retryMs);
    shard.retryAtMs = this.#ports.clock.monotonicMs() + shard.retryMs;
  }

  #nextRetryMs(lastMs: number): number {
    const { retryMs, retryMsMax } = this.#options;
    return Math.max(1, Math.min(lastMs === 0 ? retryMs : lastMs * 2, retryMsMax));
  }

  async close(): Promise<void> {
    this.#closing.abort(new DbError('shutdown', 'the node stops'));
    this.#pace.close();
    for (const shard of this.#ports.shards.values()) endClosing(shard);
    this.#woken.open(undefined);
    await this.#running;
  }

  #warn(message: string, { shardId }: ShardHints, error: unknown): void {
    const { log, nodeId } = this.#ports;
    log.warn(message, { nodeId, shardId, error: errorText(error) });
  }
}
