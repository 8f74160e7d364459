/**
 * Whether a shard may leave an owner. Not while something waits for that one in hinted handoff: nobody would bring it then.
 *
 * Where that one lacks something that waits for it nowhere, as after hinted handoff was full, the copy that was made of it lacks the
 * same, and whoever knows of it knows of that owner alone; where the owner that has the shard from now on lacks it, what the other one
 * deletes may be the last there is. So all owners, the new one among them, are made equal first, where anti-entropy may do so; where
 * it may not, the shard goes as it is, and the log says what to do.
 *
 * Nor to one that was an owner before and has nothing of the shard that can be read, as it is damaged there or awaits its files: what the other
 * one deletes would be the last there is.
 */
import { DbError, errorText, isDbError } from '../../base/errors.ts';
import type { Clock } from '../../env/clock.ts';
import type { Log } from '../../env/log.ts';
import type { RpcClient } from '../../rpc/rpc-client.ts';
import { queueRepairMethod } from '../client/digest-methods.ts';
import { waitingKey } from '../client/hint-news-method.ts';
import type { ProposedMove } from '../model/move-plan.ts';
import { hear } from './cluster-view.ts';
import type { MetaNode } from './meta-node.ts';
import { askStates } from './shard-states.ts';

export interface MoveRepairsPorts {
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly log: Log;
  readonly node: Pick<MetaNode, 'catalog' | 'status'>;
  readonly rpc: Pick<RpcClient, 'call' | 'stream'>;
}

/** One that has ended and changed nothing is asked for again. */
const askAgainMs = 60_000;
const deadlineMs = 5_000;
/** Of moves of plans: far more than are under way at once. */
const rememberedMax = 1_000;

export class MoveRepairs {
  readonly #ports: MoveRepairsPorts;
  /** By owner and shard, those that were asked for last at the end. */
  readonly #askedAtMs = new Map<string, number>();

  constructor(ports: MoveRepairsPorts) {
    this.#ports = ports;
  }

  /**
   * `isLost`: the owner that it leaves is away, and what it has is done without. `isCopied`: the new one has just been brought the shard. Throws
   * `unavailable` where the new one lacks all of it.
   */
  async mayHandOver(
    { shardId, fromId, toId }: ProposedMove,
    { isLost, isCopied }: { readonly isLost: boolean; readonly isCopied: boolean },
  ): Promise<boolean> {
    const { node, rpc } = this.#ports;
    if (!isCopied && !(await this.#isReadable({ shardId, fromId, toId }))) return false;
    const { nodeIds, waiting, lost } = await hear(rpc, node.catalog, node.status.nodeId);
    const isAway = !nodeIds.has(fromId);
    const left = waitingKey(fromId, shardId);
    if (!(isAway && isLost)) {
      // It, or whoever has it, passes that on to the new owner as long as it owns the shard.
      if (waiting.has(left)) return false;
      if (lost.has(left) && (isAway || !(await this.#mayLack(shardId, fromId)))) return false;
    }
    return !lost.has(waitingKey(toId, shardId)) || this.#mayLack(shardId, toId);
  }

  /** Whether the owner that is left alone has what the other one has; false where it does not say. */
  async #isReadable({
    shardId,
    fromId,
    toId,
  }: Pick<ProposedMove, 'shardId' | 'fromId' | 'toId'>): Promise<boolean> {
    const { node, rpc } = this.#ports;
    const asked = node.catalog.dataNodes.filter(({ id }) => id === fromId || id === toId);
    const states = await askStates(rpc, asked);
    const [left, kept] = [states.get(fromId), states.get(toId)];
    const held = typeof left === 'object' ? left.get(shardId) : undefined;
    if (held === undefined || (held.sizeBytes === 0 && !held.isHot)) return true;
    if (typeof kept !== 'object') return false;
    if (kept.has(shardId)) return true;
    throw new DbError('unavailable', `node ${toId} owns shard ${shardId}, and has nothing of it that can be read`); // prettier-ignore
  }

  /** Whether an owner that is known to lack something of a shard is left as it is: not while it may be repaired, which is begun when this is asked. */
  async #mayLack(shardId: number, ownerId: number): Promise<boolean> {
    const { clock, log, node, rpc } = this.#ports;
    const key = waitingKey(ownerId, shardId);
    const askedAtMs = this.#askedAtMs.get(key);
    if (askedAtMs !== undefined && clock.monotonicMs() - askedAtMs < askAgainMs) return false;
    const owner = node.catalog.dataNodes.find(({ id }) => id === ownerId);
    if (owner === undefined) return true;
    const fields = { shard: shardId, node: ownerId };
    try {
      await rpc.call(owner.tcpAddress, queueRepairMethod, { shardId }, { deadlineMs });
    } catch (error) {
      if (!isRefusal(error)) throw error;
      log.warn('A shard moves as it is, though a node lacks what was written while hinted handoff could not keep it: repair it with influxd-ctl entropy repair', { ...fields, error: errorText(error) }); // prettier-ignore
      return true;
    }
    log.info('A shard is repaired before it moves', fields);
    this.#note(key);
    return false;
  }

  #note(key: string): void {
    this.#askedAtMs.delete(key);
    this.#askedAtMs.set(key, this.#ports.clock.monotonicMs());
    const [oldest = key] = this.#askedAtMs.keys();
    if (this.#askedAtMs.size > rememberedMax) this.#askedAtMs.delete(oldest);
  }
}

/** What the node itself answers: asked again it would say the same. */
function isRefusal(error: unknown): boolean {
  return (
    isDbError(error, 'unsupported') ||
    isDbError(error, 'invalid_argument') ||
    isDbError(error, 'shard_not_found')
  );
}
