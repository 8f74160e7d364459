/**
 * Sees copies of shards through, on the meta node that leads: what is to be done stands in the catalog, so that whoever leads
 * next goes on with it (decision 24).
 *
 * - A copy under way: its destination is followed until it has all, then it is finished. One that brings no byte for
 *   `idleMsMax`, or fails, is given up; while others are brought to its destination first it waits for its turn, which does not count.
 * - One that was given up: its destination discards what it has, asked again until it has, then the copy is forgotten.
 *
 * A destination that is away for good keeps its copy in the list until the node is removed from the cluster.
 */
import { Tasks } from '../../base/async/tasks.ts';
import { DbError, errorText, isDbError } from '../../base/errors.ts';
import type { Clock, Timer } from '../../env/clock.ts';
import type { Log } from '../../env/log.ts';
import type { RpcClient } from '../../rpc/rpc-client.ts';
import { dataStatusMethod, discardMethod } from '../client/data-methods.ts';
import { cancelRepairMethod, repairsMethod } from '../client/digest-methods.ts';
import { copyMethod } from '../client/transfer-methods.ts';
import { refuseCopy } from '../apply/apply-copies.ts';
import type { Catalog } from '../model/catalog.ts';
import { copiesOf, type ShardCopy } from '../model/shard-copies.ts';
import { ownsShard } from '../model/shard-fate.ts';
import type { MetaNode } from './meta-node.ts';

export interface CopyKeeperPorts {
  readonly clock: Clock;
  readonly log: Log;
  readonly node: Pick<MetaNode, 'catalog' | 'isLeader' | 'execute' | 'readBarrier'>;
  readonly rpc: Pick<RpcClient, 'call' | 'stream'>;
}

const lookMs = 2_000;
const retryMs = 1_000;
/** A snapshot of a busy source comes before the first byte. */
const idleMsMax = 180_000;
/** The longest silence of a destination; it says something each second. */
const followDeadlineMs = 15_000;
const discardDeadlineMs = 60_000;
const askDeadlineMs = 5_000;

export class CopyKeeper {
  readonly #ports: CopyKeeperPorts;
  readonly #timer: Timer;
  readonly #tasks: Tasks;
  readonly #closing = new AbortController();
  /** By what names the copy. */
  readonly #running = new Map<number, Promise<void>>();
  /** By shard and destination, copies whose destination is made ready. */
  readonly #beginning = new Map<string, Beginning>();

  constructor(ports: CopyKeeperPorts) {
    this.#ports = ports;
    this.#tasks = new Tasks((name, error) => {
      // What is left to do is looked for again.
      ports.log.debug('A copy of a shard was left', { name, error: errorText(error) });
    });
    this.#timer = ports.clock.every(lookMs, () => {
      if (!ports.node.isLeader) return;
      for (const copy of copiesOf(ports.node.catalog))
        if (!this.#running.has(copy.beganIndex)) this.#tasks.spawn('copy', this.#see(copy));
    });
  }

  /**
   * Copies a shard; resolves once the destination owns it. Throws what the copy failed with, once it is given up. Discards what
   * the destination has of the shard first: it owns nothing of it. `isWanted` says whether it may still begin then.
   */
  async copy(
    request: Pick<ShardCopy, 'shardId' | 'sourceId' | 'destinationId'>,
    isWanted: () => boolean = () => true,
  ): Promise<void> {
    const { node } = this.#ports;
    await node.readBarrier();
    // Else whoever asks would hear why the destination does not discard what it owns or is being brought.
    refuseCopy(node.catalog, request);
    refuseAwaited(node.catalog, request.shardId);
    const { shardId, sourceId, destinationId } = request;
    const key = keyOf(request);
    // What the other one has brought by the time would be discarded for this one.
    if (this.#beginning.has(key))
      throw new DbError('conflict', `shard ${shardId} is being copied to node ${destinationId}`);
    const beginning: Beginning = { sourceId, isGivenUp: false };
    this.#beginning.set(key, beginning);
    const isStillWanted = (): boolean => isWanted() && !beginning.isGivenUp;
    try {
      await this.#begin(request, isStillWanted);
    } finally {
      this.#beginning.delete(key);
    }
    const begun = this.#find(request);
    if (begun === undefined) throw given(shardId);
    // Given up on its way into the catalog.
    if (!isStillWanted()) await this.kill(request);
    await this.#see(begun);
  }

  async #begin(
    request: Pick<ShardCopy, 'shardId' | 'sourceId' | 'destinationId'>,
    isWanted: () => boolean,
  ): Promise<void> {
    const { node, clock } = this.#ports;
    // One that is away now may be so for good. Once it has begun, a copy waits for its source, which may be restarted.
    await this.#askSource(request.sourceId);
    await this.#discard(request, node.catalog.index);
    if (!isWanted()) throw given(request.shardId);
    await node.execute({ kind: 'begin-shard-copy', ...request, startedNs: clock.wallNs() });
  }

  /**
   * Gives up a copy; resolves once its destination has nothing of the shard. What anti-entropy brings to a destination that owns the
   * shard and has nothing of it is given up too: what has come by then stays. `false` when there is neither.
   */
  async kill(request: Pick<ShardCopy, 'shardId' | 'sourceId' | 'destinationId'>): Promise<boolean> {
    const { node } = this.#ports;
    await node.readBarrier();
    const copy = this.#find(request);
    const beginning = this.#beginning.get(keyOf(request));
    if (copy === undefined && beginning?.sourceId === request.sourceId) {
      beginning.isGivenUp = true;
      return true;
    }
    if (copy === undefined) return this.#killBringing(request);
    await node.execute({ kind: 'abort-shard-copy', ...named(copy) });
    // Whoever follows it sees that, and cleans up.
    await this.#see(copy).catch(() => undefined);
    return true;
  }

  async close(): Promise<void> {
    this.#timer.cancel();
    this.#closing.abort(new DbError('shutdown', 'the node stops'));
    await this.#tasks.settled();
    await Promise.allSettled(this.#running.values());
  }

  #find({
    shardId,
    sourceId,
    destinationId,
  }: Pick<ShardCopy, 'shardId' | 'sourceId' | 'destinationId'>): ShardCopy | undefined {
    // prettier-ignore
    return copiesOf(this.#ports.node.catalog).find(
      (copy) =>
        copy.shardId === shardId &&
        copy.sourceId === sourceId &&
        copy.destinationId === destinationId,
    );
  }

  #see(copy: ShardCopy): Promise<void> {
    const { beganIndex } = copy;
    const known = this.#running.get(beganIndex);
    if (known !== undefined) return known;
    const running = this.#run(copy).finally(() => {
      this.#running.delete(beganIndex);
    });
    this.#running.set(beganIndex, running);
    return running;
  }

  async #run(copy: ShardCopy): Promise<void> {
    const { node, log } = this.#ports;
    const { shardId: shard, destinationId: node_ } = copy;
    let failure: unknown = given(copy.shardId);
    if (this.#isCopying(copy)) {
      try {
        await this.#follow(copy);
        await node.execute({ kind: 'finish-shard-copy', ...named(copy) });
        log.info('A shard was copied', { shard, to: node_ });
        return;
      } catch (error) {
        // Another meta node leads: it goes on with the copy.
        if (!node.isLeader || this.#closing.signal.aborted || isDbError(error, 'outcome_unknown'))
          throw error;
        failure = isDbError(error, 'cancelled') ? given(copy.shardId) : error;
        log.warn('A copy of a shard was given up', { shard, to: node_, error: errorText(error) });
        await node.execute({ kind: 'abort-shard-copy', ...named(copy) });
      }
    }
    await this.#cleanUp(copy);
    // It may have been finished by whoever led before.
    if (!this.#isOwned(copy)) throw failure;
  }

  #isCopying({ beganIndex }: ShardCopy): boolean {
    const now = copiesOf(this.#ports.node.catalog).find((one) => one.beganIndex === beganIndex);
    return now?.state === 'copying';
  }

  /** Resolves once the destination has all of the shard. */
  async #follow(copy: ShardCopy): Promise<void> {
    const { clock, rpc } = this.#ports;
    const { shardId, beganIndex: copyIndex } = copy;
    const options = { deadlineMs: followDeadlineMs, signal: this.#closing.signal };
    let lastBytes = -1;
    // One that fails each time it begins anew waits for its turn in between.
    let idleMs = 0;
    let heardMs = clock.monotonicMs();
    let failure: DbError | undefined;
    const check = (isIdle: boolean): void => {
      const nowMs = clock.monotonicMs();
      if (isIdle) idleMs += nowMs - heardMs;
      heardMs = nowMs;
      if (idleMs <= idleMsMax) return;
      throw failure ?? new DbError('cancelled', `the copy of shard ${shardId} has come to a standstill`); // prettier-ignore
    };
    for (;;) {
      try {
        const address = this.#addressOf(copy.destinationId);
        for await (const { progress, isWhole } of rpc.stream(
          address,
          copyMethod,
          { shardId, copyIndex },
          options,
        )) {
          // prettier-ignore
          if (isWhole) return;
          this.#check(copy);
          if (progress.doneBytes !== lastBytes) [idleMs, failure] = [0, undefined];
          else check(!progress.isWaiting);
          heardMs = clock.monotonicMs();
          lastBytes = progress.doneBytes;
        }
      } catch (error) {
        this.#check(copy);
        if (!isDbError(error) || !mayComeBack(error)) throw error;
        failure = error;
        check(true);
      }
      await clock.sleep(retryMs, this.#closing.signal);
    }
  }

  /** Throws when the copy is not to go on, or not by this node. */
  #check(copy: ShardCopy): void {
    if (!this.#ports.node.isLeader) throw new DbError('not_leader', 'another meta node leads');
    if (!this.#isCopying(copy)) throw given(copy.shardId);
  }

  /** Until the destination has discarded what it has, or has left. */
  async #cleanUp(copy: ShardCopy): Promise<void> {
    const { node, clock, log } = this.#ports;
    while (node.isLeader && this.#isListed(copy)) {
      try {
        await this.#discard(copy, node.catalog.index);
        await node.execute({ kind: 'forget-shard-copy', ...named(copy) });
        return;
      } catch (error) {
        const { shardId: shard, destinationId: of } = copy;
        log.debug('What a copy has left is not discarded yet', { shard, of, error: errorText(error) }); // prettier-ignore
        await clock.sleep(retryMs, this.#closing.signal);
      }
    }
  }

  async #killBringing({
    shardId,
    destinationId,
  }: Pick<ShardCopy, 'shardId' | 'destinationId'>): Promise<boolean> {
    const { rpc } = this.#ports;
    const address = this.#addressOf(destinationId);
    const options = { deadlineMs: askDeadlineMs, signal: this.#closing.signal };
    try {
      const { repairs } = await rpc.call(address, repairsMethod, {}, options);
      const isBrought = repairs.some((one) => one.shardId === shardId && one.status === 'missing' && one.isQueued); // prettier-ignore
      if (isBrought) await rpc.call(address, cancelRepairMethod, { shardId }, options);
      return isBrought;
    } catch (error) {
      // One that is away brings nothing.
      if (!isDbError(error)) throw error;
      return false;
    }
  }

  #isOwned({ shardId, destinationId }: ShardCopy): boolean {
    return ownsShard(this.#ports.node.catalog, shardId, destinationId);
  }

  #isListed({ beganIndex }: ShardCopy): boolean {
    return copiesOf(this.#ports.node.catalog).some((one) => one.beganIndex === beganIndex);
  }

  async #discard(
    { shardId, destinationId }: Pick<ShardCopy, 'shardId' | 'destinationId'>,
    catalogIndex: number,
  ): Promise<void> {
    const options = { deadlineMs: discardDeadlineMs, signal: this.#closing.signal };
    const request = { shardId, catalogIndex };
    await this.#ports.rpc.call(this.#addressOf(destinationId), discardMethod, request, options);
  }

  async #askSource(sourceId: number): Promise<void> {
    const { node, rpc } = this.#ports;
    const { clusterId } = node.catalog;
    const options = { deadlineMs: askDeadlineMs, signal: this.#closing.signal };
    await rpc.call(this.#addressOf(sourceId), dataStatusMethod, { clusterId }, options);
  }

  #addressOf(nodeId: number): string {
    const node = this.#ports.node.catalog.dataNodes.find(({ id }) => id === nodeId);
    if (node === undefined) throw new DbError('node_not_found', 'node not found');
    return node.tcpAddress;
  }
}

interface Beginning {
  readonly sourceId: number;
  isGivenUp: boolean;
}

function keyOf({ shardId, destinationId }: Pick<ShardCopy, 'shardId' | 'destinationId'>): string {
  return `${shardId} ${destinationId}`;
}

function named({ shardId, destinationId, beganIndex }: ShardCopy) {
  return { shardId, destinationId, beganIndex };
}

function given(shardId: number): DbError {
  return new DbError('cancelled', `the copy of shard ${shardId} was given up`);
}

/** A restore brings its shards to those who owned them as it began: another owner would get nothing. None comes to be awaited later. */
function refuseAwaited({ databases }: Catalog, shardId: number): void {
  if (databases.shard(shardId)?.shard.restoreIndex !== undefined)
    throw new DbError('conflict', `a restore has not filled shard ${shardId} yet`);
}

/** The destination is away for a moment, or starts. */
function mayComeBack(error: unknown): boolean {
  return (['unavailable', 'timeout', 'outcome_unknown', 'shutdown'] as const).some((code) => isDbError(error, code)); // prettier-ignore
}
