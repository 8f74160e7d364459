/**
 * All that waits for one node: a queue for each shard.
 *
 * Invariants:
 * - What is queued counts as gone only after its owner made it durable or refused it for good, its shard or node left
 *   the cluster, or it became too old.
 * - Bounded: bytes on disk (`queue is full`), appends under way (`queue is blocked`), open files.
 *
 * Not here: files (hint-queue.ts), bringing what waits (node-drain.ts), which nodes there are (hinted-handoff.ts).
 */
import { tryAll } from '../base/async/try-all.ts';
import { DbError, errorText } from '../base/errors.ts';
import { SharedBuffers } from '../base/shared-buffers.ts';
import { MiB } from '../base/units.ts';
import type { Clock } from '../env/clock.ts';
import type { Disk } from '../env/disk.ts';
import type { Log } from '../env/log.ts';
import { rowCountOf } from '../models/point-batch.ts';
import type { Statistic } from '../telemetry/statistics.ts';
import { dropOldRecords } from './drop-old.ts';
import type { HintClock } from './hint-clock.ts';
import { newProcessorCounters } from './hint-counters.ts';
import type { QueueEnds } from './hint-ends.ts';
import type { HintOptions } from './hint-options.ts';
import type { HintQuarantine } from './hint-quarantine.ts';
import { HintQueue, type HintQueuePorts } from './hint-queue.ts';
import type { HintTarget } from './hint-target.ts';
import { NodeDrain } from './node-drain.ts';
import { OpenQueues } from './open-queues.ts';
import { endClosing, type ShardHints } from './shard-hints.ts';

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

/** Of blocks that were brought, kept for those that come: as many as are under way of a few shards. */
const blockBytesKeptMax = 8 * MiB;

export class NodeHints {
  readonly #nodeId: number;
  readonly #ports: NodeHintsPorts;
  readonly #options: HintOptions;
  readonly #shards = new Map<number, ShardHints>();
  readonly #opened: OpenQueues;
  readonly #read: OpenQueues;
  readonly #drain: NodeDrain;
  readonly #buffers = new SharedBuffers(blockBytesKeptMax);
  #pendingCount = 0;
  #pendingBytes = 0;

  constructor(nodeId: number, ports: NodeHintsPorts, options: HintOptions) {
    this.#nodeId = nodeId;
    this.#ports = ports;
    this.#options = options;
    const unclosed = ({ shardId }: ShardHints, error: unknown): void => {
      ports.log.warn('A hinted handoff file could not be closed', { nodeId, shardId, error: errorText(error) }); // prettier-ignore
    };
    this.#opened = new OpenQueues((queue) => queue.rest(), unclosed);
    this.#read = new OpenQueues((queue) => queue.endReading(), unclosed);
    this.#drain = new NodeDrain({ ...ports, nodeId, shards: this.#shards, read: this.#read }, options); // prettier-ignore
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
    this.#drain.run();
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
    this.#opened.touch(shard);
    this.#ports.target.onQueued(this.#nodeId, shardId);
    try {
      await shard.queue.append(payloads, claim);
      counters.add('bytesWritten', lengthBytes);
      this.#drain.queued(lengthBytes);
    } finally {
      this.#pendingCount--;
      this.#pendingBytes -= lengthBytes;
      if (shard.queue.isEmpty) this.#drain.drained(shard);
      this.#drain.run();
    }
  }

  /** The node has been heard of. */
  wake(): void {
    this.#drain.wake();
  }

  /** Drops what belongs to nobody any more. */
  async dropGone(): Promise<void> {
    const { target } = this.#ports;
    const gone = [...this.#shards.values()].filter(({ shardId }) => target.standing(this.#nodeId, shardId) === 'gone'); // prettier-ignore
    await tryAll(gone, 1, (shard) => this.#drop(shard));
  }

  /** Drops what was queued before that time. */
  async dropOld(beforeNs: bigint): Promise<void> {
    await tryAll([...this.#shards.values()], 1, (shard) => this.#dropOld(shard, beforeNs));
  }

  async close(): Promise<void> {
    await this.#drain.close();
    await tryAll([...this.#shards.values()], 1, ({ queue }) => queue.rest());
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
    const isDiskWell = (): Promise<boolean> => quarantine.takesFiles();
    const ports = { disk, clock, onDamage, isDiskWell, buffers: this.#buffers };
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

  async #drop(shard: ShardHints): Promise<void> {
    shard.isDropping = true;
    endClosing(shard);
    const isEmpty = shard.queue.isEmpty;
    await shard.queue.drop();
    this.#shards.delete(shard.shardId);
    this.#opened.forget(shard);
    this.#read.forget(shard);
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
    this.#read.touch(shard);
    const writes = await dropOldRecords(shard.queue, beforeNs, this.#options.batchBytesMax);
    const { log, target } = this.#ports;
    const nodeId = this.#nodeId;
    const { shardId } = shard;
    if (writes > 0) target.onDropped(nodeId, shardId);
    // Also one of which a crash has left nothing whole.
    if (shard.queue.isEmpty) this.#drain.drained(shard);
    if (writes === 0) return;
    shard.counters.add('writeDropped', writes);
    log.warn('Hinted writes that waited too long are dropped', { nodeId, shardId, writes });
  }
}
