/**
 * All that waits for one node, and bringing it there.
 *
 * Invariants:
 * - Of a shard one request is under way at a time, so that its writes arrive in the order they were queued, but for one that an
 *   owner cannot take while it takes others of the same request: that one comes again, and its stamp says where it belongs.
 * - A node that does not answer is left alone for `retryMs`, twice as long each time up to `retryMsMax`, anew from `retryMs` on
 *   once it is heard of, and then asked with one request; a shard that fails on a node that answers has a pause of its own.
 * - What is queued counts as gone only after its owner made it durable or refused it for good, its shard or node left
 *   the cluster, or it became too old.
 * - Of a queue that one request empties nothing more is asked to wait in it (`closing`), or a steady writer would keep it from ever being empty.
 * - Bounded: bytes on disk (`queue is full`), appends under way (`queue is blocked`), open files.
 *
 * Not here: files (hint-queue.ts), how fast they are brought (drain-pace.ts), which nodes there are (hinted-handoff.ts).
 */
import { Latch } from '../base/async/latch.ts';
import { DbError, errorText } from '../base/errors.ts';
import { SharedBuffers } from '../base/shared-buffers.ts';
import { MiB } from '../base/units.ts';
import type { Clock } from '../env/clock.ts';
import type { Disk } from '../env/disk.ts';
import type { Log } from '../env/log.ts';
import { rowCountOf } from '../models/point-batch.ts';
import type { Statistic } from '../telemetry/statistics.ts';
import { DrainPace } from './drain-pace.ts';
import { dropOldRecords } from './drop-old.ts';
import type { HintClock } from './hint-clock.ts';
import { newProcessorCounters } from './hint-counters.ts';
import type { QueueEnds } from './hint-ends.ts';
import type { HintOptions } from './hint-options.ts';
import type { HintQuarantine } from './hint-quarantine.ts';
import { HintQueue, type HintBlock, type HintQueuePorts } from './hint-queue.ts';
import type { DeliveryOutcome, HintTarget } from './hint-target.ts';
import { endClosing, isDue, type ShardHints } from './shard-hints.ts';

export interface NodeHintsPorts {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly log: Log;
  readonly target: HintTarget;
  readonly quarantine: HintQuarantine;
  readonly hintClock: HintClock;
  /** Writes of clients that this node was given so far. */
  readonly freshCount: () => number;
}

/** Files open for appending, and for reading, of one node: the one longest at rest is closed first. */
const openQueuesMax = 128;
/** Of blocks that were brought, kept for those that come: as many as are under way of a few shards. */
const blockBytesKeptMax = 8 * MiB;
/** Nobody waits longer for a queue to end: an owner may hang just then, or others may be brought first. */
const closingMsMax = 1_000;
const endReading = (queue: HintQueue): Promise<void> => queue.endReading();

export class NodeHints {
  readonly #nodeId: number;
  readonly #ports: NodeHintsPorts;
  readonly #options: HintOptions;
  readonly #shards = new Map<number, ShardHints>();
  readonly #opened = new Set<ShardHints>();
  readonly #read = new Set<ShardHints>();
  readonly #buffers = new SharedBuffers(blockBytesKeptMax);
  readonly #closing = new AbortController();
  readonly #pace: DrainPace;
  #pendingCount = 0;
  #pendingBytes = 0;
  #retryAtMs = 0;
  #retryMs = 0;
  #rateFreeAtMs = 0;
  #running: Promise<void> | undefined;
  #woken = new Latch<undefined>();

  constructor(nodeId: number, ports: NodeHintsPorts, options: HintOptions) {
    this.#nodeId = nodeId;
    this.#ports = ports;
    this.#options = options;
    this.#pace = new DrainPace(ports, options.batchBytesMax);
  }

  get folder(): string {
    return `${this.#options.folder}/${this.#nodeId}`;
  }

  get sizeBytes(): number {
    let bytes = 0;
    for (const { queue } of this.#shards.values()) bytes += queue.sizeBytes;
    return bytes;
  }

  get isEmpty(): boolean {
    for (const { queue } of this.#shards.values()) if (!queue.isEmpty) return false;
    return true;
  }

  /** Shards of which something waits. */
  get waitingShardIds(): readonly number[] {
    return [...this.#shards.values()].flatMap(({ shardId, queue }) =>
      queue.isEmpty ? [] : [shardId],
    );
  }

  isQueued(shardId: number): boolean {
    return this.#shards.get(shardId)?.queue.isEmpty === false;
  }

  /** Resolves when what is left of a queue has been brought or not; undefined for one that is not about to end. */
  closing(shardId: number): Promise<void> | undefined {
    return this.#shards.get(shardId)?.closing?.over.promise;
  }

  /** Takes up what an earlier run left of a shard; `ends` as of HintQueue.load. */
  async open(shardId: number, ends: QueueEnds | undefined): Promise<void> {
    const queue = this.#newQueue(shardId);
    const missed = await queue.load(ends);
    const isGone = this.#ports.target.standing(this.#nodeId, shardId) === 'gone';
    for (const { path, lengthBytes: bytes } of isGone ? [] : missed) {
      this.#ports.log.error('Hinted writes that waited for a node are not there any more', { nodeId: this.#nodeId, shardId, path, bytes }); // prettier-ignore
      this.#ports.target.onDropped(this.#nodeId, shardId);
    }
    if (queue.isEmpty) return;
    this.#add(shardId, queue);
    this.#ports.target.onQueued(this.#nodeId, shardId);
    this.#run();
  }

  /** What each queue has, by its shard, once all is closed. */
  *ends(): Generator<readonly [number, QueueEnds]> {
    for (const { shardId, queue } of this.#shards.values())
      if (queue.ends.length > 0) yield [shardId, queue.ends];
  }

  /** Resolves once durable, `claim` first. Throws `queue_full` with the reference's texts, and what the disk says. */
  async append(
    shardId: number,
    payloads: readonly Uint8Array[],
    claim: () => Promise<void>,
  ): Promise<void> {
    const lengthBytes = payloads.reduce((sum, { length }) => sum + length, 0);
    const shard = this.#shards.get(shardId) ?? this.#add(shardId, this.#newQueue(shardId));
    const { counters } = shard;
    counters.add('writeShardReq');
    counters.add(
      'writeShardReqPoints',
      payloads.reduce((sum, one) => sum + rowCountOf(one), 0),
    );
    if (this.sizeBytes + this.#pendingBytes + lengthBytes > this.#options.sizeBytesMax)
      throw this.#refused(shard, 'queue is full');
    if (this.#pendingCount >= this.#options.pendingMax)
      throw this.#refused(shard, 'queue is blocked');
    this.#pendingCount++;
    this.#pendingBytes += lengthBytes;
    this.#touch(this.#opened, shard, (queue) => queue.rest());
    this.#ports.target.onQueued(this.#nodeId, shardId);
    try {
      await shard.queue.append(payloads, claim);
      counters.add('bytesWritten', lengthBytes);
      this.#pace.queued(lengthBytes);
    } finally {
      this.#pendingCount--;
      this.#pendingBytes -= lengthBytes;
      if (shard.queue.isEmpty) this.#drained(shard);
      this.#run();
    }
  }

  /** The node has been heard of: what waits for it need not wait any longer. One that starts asks before it answers, so it is asked anew soon. */
  wake(): void {
    this.#retryAtMs = 0;
    this.#retryMs = Math.min(this.#retryMs, this.#options.retryMs);
    this.#woken.open(undefined);
  }

  /** Drops what belongs to nobody any more. */
  async dropGone(): Promise<void> {
    for (const shard of [...this.#shards.values()])
      if (this.#ports.target.standing(this.#nodeId, shard.shardId) === 'gone')
        await this.#drop(shard);
  }

  /** Drops what was queued before that time. */
  async dropOld(beforeNs: bigint): Promise<void> {
    for (const shard of [...this.#shards.values()]) await this.#dropOld(shard, beforeNs);
  }

  async close(): Promise<void> {
    this.#closing.abort(new DbError('shutdown', 'the node stops'));
    this.#pace.close();
    for (const shard of this.#shards.values()) endClosing(shard);
    this.#woken.open(undefined);
    await this.#running;
    for (const { queue } of this.#shards.values()) await queue.rest();
  }

  statistics(): readonly Statistic[] {
    const node = String(this.#nodeId);
    const processors = [...this.#shards.values()].map(({ shardId, queue, counters }) => ({
      name: 'hh_processor',
      tags: { node, path: `${this.folder}/${shardId}` },
      values: {
        ...counters.values(),
        queueBytes: queue.unreadBytes,
        queueDepth: queue.segmentCount,
      },
    }));
    const values = { queueTotalSize: this.sizeBytes };
    return [{ name: 'hh_node', tags: { node }, values }, ...processors];
  }

  #newQueue(shardId: number): HintQueue {
    const { disk, hintClock: clock, quarantine, target } = this.#ports;
    const { segmentBytesMax } = this.#options;
    const onDamage: HintQueuePorts['onDamage'] = async (...damage) => {
      if (await quarantine.take(...damage)) target.onDropped(this.#nodeId, shardId);
    };
    const folder = `${this.folder}/${shardId}`;
    const ports = { disk, clock, onDamage, buffers: this.#buffers };
    return new HintQueue(ports, { folder, segmentBytesMax });
  }

  #add(shardId: number, queue: HintQueue): ShardHints {
    const shard: ShardHints = {
      shardId,
      queue,
      counters: newProcessorCounters(),
      retryAtMs: 0,
      retryMs: 0,
      isBusy: false,
      isDropping: false,
      closing: undefined,
    };
    this.#shards.set(shardId, shard);
    return shard;
  }

  #refused({ counters }: ShardHints, text: string): DbError {
    counters.add('writeBlocked');
    return new DbError('queue_full', text);
  }

  #touch(open: Set<ShardHints>, shard: ShardHints, letGo: (of: HintQueue) => Promise<void>): void {
    open.delete(shard);
    open.add(shard);
    for (const oldest of open) {
      if (open.size <= openQueuesMax) return;
      open.delete(oldest);
      letGo(oldest.queue).catch((error: unknown) => {
        this.#warn('A hinted handoff file could not be closed', oldest, error);
      });
    }
  }

  /** Runs while something waits. */
  #run(): void {
    this.#woken.open(undefined);
    this.#running ??= this.#loop().finally(() => {
      this.#running = undefined;
      if (!this.#closing.signal.aborted && this.#hasWork()) this.#run();
    });
  }

  #hasWork(): boolean {
    for (const shard of this.#shards.values()) if (isDue(shard)) return true;
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
    for (const shard of this.#shards.values())
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
    for (const shard of this.#shards.values()) {
      if (shard.isBusy || !isDue(shard) || shard.retryAtMs > nowMs) continue;
      shard.isBusy = true;
      // Those taken come last the next time.
      this.#shards.delete(shard.shardId);
      this.#shards.set(shard.shardId, shard);
      return shard;
    }
    return undefined;
  }

  /** One block of a shard. */
  async #bring(shard: ShardHints, state: { isNodeDown: boolean }): Promise<void> {
    const { target } = this.#ports;
    if (target.standing(this.#nodeId, shard.shardId) !== 'owner') {
      this.#pause(shard);
      return;
    }
    this.#touch(this.#read, shard, endReading);
    const { batchBytesMax } = this.#options;
    if (this.#retryMs === 0 && shard.retryMs === 0 && shard.queue.unreadBytes <= batchBytesMax)
      this.#beginClosing(shard);
    try {
      await shard.queue.consume(batchBytesMax, (block) => this.#deliver(shard, block, state));
    } catch (error) {
      this.#warn('Hinted handoff could not read its queue', shard, error);
      this.#pause(shard);
    }
    if (shard.queue.isEmpty) this.#drained(shard);
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
    for (const { closing } of this.#shards.values()) if (closing !== undefined) return true;
    return false;
  }

  #drained(shard: ShardHints): void {
    this.#ports.target.onDrained(this.#nodeId, shard.shardId);
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
      const place = { nodeId: this.#nodeId, shardId: shard.shardId };
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
        nodeId: this.#nodeId,
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

  async #drop(shard: ShardHints): Promise<void> {
    shard.isDropping = true;
    endClosing(shard);
    const isEmpty = shard.queue.isEmpty;
    await shard.queue.drop();
    this.#shards.delete(shard.shardId);
    this.#opened.delete(shard);
    this.#read.delete(shard);
    const { log, target } = this.#ports;
    target.onDrained(this.#nodeId, shard.shardId);
    if (isEmpty) return;
    log.info('Hinted writes for a shard that is gone are dropped', {
      nodeId: this.#nodeId,
      shardId: shard.shardId,
    });
  }

  async #dropOld(shard: ShardHints, beforeNs: bigint): Promise<void> {
    if (!shard.queue.hasUnread) return;
    this.#touch(this.#read, shard, endReading);
    const writes = await dropOldRecords(shard.queue, beforeNs, this.#options.batchBytesMax);
    const { log, target } = this.#ports;
    const nodeId = this.#nodeId;
    const { shardId } = shard;
    if (writes > 0) target.onDropped(nodeId, shardId);
    // Also one of which a crash has left nothing whole.
    if (shard.queue.isEmpty) this.#drained(shard);
    if (writes === 0) return;
    shard.counters.add('writeDropped', writes);
    log.warn('Hinted writes that waited too long are dropped', { nodeId, shardId, writes });
  }

  #warn(message: string, { shardId }: ShardHints, error: unknown): void {
    this.#ports.log.warn(message, { nodeId: this.#nodeId, shardId, error: errorText(error) });
  }
}
