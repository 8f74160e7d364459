/**
 * The steps of one move of a plan: a copy (copy-keeper.ts), then one command that hands the shard over, then the old owner deletes what
 * it has. They are decided anew each time by what the catalog says, so that whoever leads next goes on where the move is.
 *
 * Invariants:
 * - A shard is handed over only when nothing waits in hinted handoff for the owner that it leaves: nobody would bring it. What that one
 *   lacks and nobody keeps for it is brought by a repair before, where there may be one (move-repairs.ts).
 * - A shard is copied from the owner that it leaves, as long as that is not done without, nor has nothing of it that can be read, as
 *   on a new disk, while another one has.
 *
 * Not here: which move is next, how often it is tried (plan-keeper.ts).
 */
import { DbError, isDbError } from '../../base/errors.ts';
import { discardMethod } from '../client/data-methods.ts';
import { waitingKey } from '../client/hint-news-method.ts';
import type { MoveStep } from '../command/command.ts';
import type { Catalog } from '../model/catalog.ts';
import { activePlan, type MovePlan, type ProposedMove, type ShardMove } from '../model/move-plan.ts'; // prettier-ignore
import { copiesOf } from '../model/shard-copies.ts';
import type { Heard } from './cluster-view.ts';
import type { CopyKeeper } from './copy-keeper.ts';
import type { MetaNode } from './meta-node.ts';
import { MoveRepairs, type MoveRepairsPorts } from './move-repairs.ts';
import { askStates } from './shard-states.ts';
import type { SilentNodes } from './silent-nodes.ts';

const discardDeadlineMs = 60_000;

export interface MoveStepsPorts extends MoveRepairsPorts {
  readonly node: MoveRepairsPorts['node'] & Pick<MetaNode, 'catalog' | 'execute'>;
  readonly copies: Pick<CopyKeeper, 'copy'>;
}

export interface MoveContext {
  readonly heard: Heard;
  /** False once the plan is stopped: no copy of it begins any more. */
  readonly isWanted: () => boolean;
}

export class MoveSteps {
  readonly #ports: MoveStepsPorts;
  readonly #silent: Pick<SilentNodes, 'isAway'>;
  readonly #repairs: MoveRepairs;

  constructor(ports: MoveStepsPorts, silent: Pick<SilentNodes, 'isAway'>) {
    this.#ports = ports;
    this.#silent = silent;
    this.#repairs = new MoveRepairs(ports);
  }

  /** Whether a shard is still to be copied from a node that may have what it alone has acknowledged: waited for, unless it is to be done without. */
  isSourceAway(plan: MovePlan, { shardId, fromId, toId }: ShardMove, heard: Heard): boolean {
    const owners = ownersOf(this.#ports.node.catalog, shardId) ?? [];
    const isToCopy = owners.includes(fromId) && !owners.includes(toId);
    return isToCopy && !heard.nodeIds.has(fromId) && !this.#isDoneWithout(plan, fromId);
  }

  /** Whether what a silent node alone has is given up. */
  #isDoneWithout({ isRemoval, goal }: MovePlan, nodeId: number): boolean {
    return (isRemoval || goal === 'restore') && this.#silent.isAway(nodeId);
  }

  /** The next steps; where it has to wait it is taken up at a later look. */
  async goOn(plan: MovePlan, move: ShardMove, { heard, isWanted }: MoveContext): Promise<void> {
    const { node, copies } = this.#ports;
    const { shardId, fromId, toId } = move;
    const owners = ownersOf(node.catalog, shardId);
    if (owners === undefined) return this.advance(plan, move, 'done', 'the shard is gone');
    const [isOwner, isCopied] = [owners.includes(fromId), !owners.includes(toId)];
    if (isCopied) {
      if (!isOwner) return this.#cleared(plan, move, 'its node does not own it any more');
      // One that an earlier leader began is seen through by whoever sees to copies.
      const isUnderWay = copiesOf(node.catalog).some((copy) => copy.shardId === shardId && copy.destinationId === toId); // prettier-ignore
      if (isUnderWay) return;
      if (this.isSourceAway(plan, move, heard)) return;
      const sourceId = await this.#sourceOf(owners, { shardId, fromId, heard });
      if (sourceId === undefined) throw new DbError('unavailable', 'none of its owners answers');
      await copies.copy({ shardId, sourceId, destinationId: toId }, isWanted);
      if (activePlan(node.catalog)?.beganIndex !== plan.beganIndex) return;
    }
    if (isOwner) {
      const isLost = this.#isDoneWithout(plan, fromId);
      if (!(await this.#repairs.mayHandOver(move, { isLost, isCopied }))) return;
      await this.advance(plan, move, 'hand-over');
    }
    return this.#cleared(plan, move);
  }

  /** The one that it leaves, so that nothing which that one alone has is lost; else one that answers and lacks nothing. */
  async #sourceOf(
    owners: readonly number[],
    { shardId, fromId, heard }: { readonly shardId: number; readonly fromId: number; readonly heard: Heard }, // prettier-ignore
  ): Promise<number | undefined> {
    const { node, rpc } = this.#ports;
    const up = owners.filter((owner) => heard.nodeIds.has(owner));
    if (up.length <= 1) return up[0];
    const states = await askStates(rpc, node.catalog.dataNodes.filter(({ id }) => up.includes(id))); // prettier-ignore
    const hasNothing = (owner: number): boolean => {
      const held = states.get(owner);
      return typeof held === 'object' && !held.has(shardId);
    };
    const lacksSomething = (owner: number): boolean =>
      [heard.waiting, heard.lost].some((keys) => keys.has(waitingKey(owner, shardId)));
    const rankOf = (owner: number): number => {
      const rank = owner === fromId ? 0 : lacksSomething(owner) ? 2 : 1;
      return hasNothing(owner) ? rank + 3 : rank;
    };
    return up.sort((a, b) => rankOf(a) - rankOf(b))[0];
  }

  async #cleared(plan: MovePlan, move: ShardMove, reason = ''): Promise<void> {
    const isCleared = await this.#clear(move);
    await this.advance(plan, move, isCleared ? 'done' : 'left', reason);
  }

  /** Whether the node that a shard was taken from has deleted it. */
  async #clear({ shardId, fromId }: ProposedMove): Promise<boolean> {
    const { node, rpc } = this.#ports;
    const { index: catalogIndex } = node.catalog;
    // It has left the cluster, or was given the shard again.
    if (ownersOf(node.catalog, shardId)?.includes(fromId) === true) return true;
    const from = node.catalog.dataNodes.find(({ id }) => id === fromId);
    if (from === undefined) return true;
    const options = { deadlineMs: discardDeadlineMs };
    const done = rpc.call(from.tcpAddress, discardMethod, { shardId, catalogIndex }, options);
    return done.then(() => true, (error: unknown) => isDbError(error, 'conflict')); // prettier-ignore
  }

  async clearLeft(plan: MovePlan, move: ProposedMove, heard: Heard): Promise<void> {
    const { dataNodes } = this.#ports.node.catalog;
    const isThere = dataNodes.some(({ id }) => id === move.fromId);
    if (isThere && !heard.nodeIds.has(move.fromId)) return;
    if (await this.#clear(move)) await this.advance(plan, move, 'done');
  }

  async advance(plan: MovePlan, move: ProposedMove, step: MoveStep, reason = ''): Promise<void> {
    const { shardId, fromId, toId } = move;
    const named = { planIndex: plan.beganIndex, shardId, fromId, toId };
    await this.#ports.node.execute({ kind: 'advance-shard-move', ...named, step, reason });
  }
}

/** Undefined for a shard that is gone. */
export function ownersOf(catalog: Catalog, shardId: number): readonly number[] | undefined {
  return catalog.databases.shard(shardId)?.shard.owners;
}
