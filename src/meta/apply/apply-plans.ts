/** Plans that begin, are gone on with, and end (decision 40). */
import { DbError } from '../../base/errors.ts';
import { mustHaveShard, refuseSource, withGroup, withOwners } from './apply-shards.ts';
import type { Catalog } from '../model/catalog.ts';
import type { Command } from '../command/command.ts';
import { activePlan, movesMax, type MovePlan, type ProposedMove, type ShardMove } from '../model/move-plan.ts'; // prettier-ignore

export type PlanCommand = Extract<
  Command,
  { kind: 'begin-move-plan' | 'extend-move-plan' | 'pause-move-plan' | 'advance-shard-move' | 'end-move-plan' } // prettier-ignore
>;

export function applyPlanCommand(catalog: Catalog, index: number, command: PlanCommand): Catalog {
  if (command.kind === 'begin-move-plan') return begin(catalog, index, command);
  const plan = activePlan(catalog);
  // Of what has ended, only what was left behind is still seen to.
  const isLate = command.kind === 'advance-shard-move' && command.step === 'done';
  const named = isLate ? catalog.movePlan : plan;
  if (named?.beganIndex !== command.planIndex) throw new DbError('conflict', 'the plan has ended');
  switch (command.kind) {
    case 'extend-move-plan':
      return withPlan(catalog, { ...named, moves: extended(named.moves, command.moves) });
    case 'pause-move-plan':
      return withPlan(catalog, paused(named, command.isPaused));
    case 'end-move-plan':
      return withPlan(catalog, { ...named, endedNs: command.nowNs });
    case 'advance-shard-move':
      return advance(catalog, named, command);
  }
}

function begin(
  catalog: Catalog,
  index: number,
  command: Extract<Command, { kind: 'begin-move-plan' }>,
): Catalog {
  const running = activePlan(catalog);
  if (running !== undefined) throw new DbError('conflict', `a plan is under way: ${running.goal}`);
  const { goal, leavingId, joiningId, isRemoval, startedNs } = command;
  const isThere = (id: number) => id === 0 || catalog.dataNodes.some((node) => node.id === id);
  if (!isThere(leavingId) || !isThere(joiningId))
    throw new DbError('node_not_found', 'node not found');
  // A node that was away comes back during another plan, and still has what is to be deleted there.
  const left = (catalog.movePlan?.moves ?? []).filter(({ state }) => state === 'left');
  const moves = extended(left, command.moves);
  const plan = { beganIndex: index, goal, leavingId, joiningId, isRemoval, startedNs };
  return withPlan(catalog, { ...plan, isPaused: false, endedNs: 0n, moves });
}

/** What is done goes first when there are too many; what does not fit is proposed again later. */
function extended(
  known: readonly ShardMove[],
  proposed: readonly ProposedMove[],
): readonly ShardMove[] {
  const added = proposed.map((move): ShardMove => {
    return { ...move, state: move.reason === '' ? 'open' : 'failed' };
  });
  const isFull = known.length + added.length > movesMax;
  const kept = isFull ? known.filter(({ state }) => state !== 'done') : known;
  return [...kept, ...added].slice(0, movesMax);
}

/** What has failed is tried again; what had nowhere to go is looked at anew. */
function paused(plan: MovePlan, isPaused: boolean): MovePlan {
  if (isPaused) return { ...plan, isPaused };
  const moves = plan.moves
    .filter(({ state, toId }) => state !== 'failed' || toId !== 0)
    .map((move): ShardMove => {
      return move.state === 'failed' ? { ...move, state: 'open', reason: '' } : move;
    });
  return { ...plan, isPaused, moves };
}

function advance(
  catalog: Catalog,
  plan: MovePlan,
  command: Extract<Command, { kind: 'advance-shard-move' }>,
): Catalog {
  const { shardId, fromId, toId, step, reason } = command;
  const isNamed = (move: ShardMove): boolean =>
    move.shardId === shardId && move.fromId === fromId && move.toId === toId;
  if (!plan.moves.some(isNamed)) throw new DbError('conflict', 'the plan has no such move');
  if (step === 'hand-over') return handOver(catalog, command);
  const moves = plan.moves.map((move): ShardMove => {
    return isNamed(move) ? { ...move, state: step, reason } : move;
  });
  return withPlan(catalog, { ...plan, moves });
}

/** In one step, so that the shard never has an owner less than it had. */
function handOver(
  catalog: Catalog,
  { shardId, fromId, toId }: Pick<ShardMove, 'shardId' | 'fromId' | 'toId'>,
): Catalog {
  const place = mustHaveShard(catalog, shardId);
  const { owners, joined } = place.shard;
  if (!owners.includes(toId))
    throw new DbError('conflict', `shard ${shardId} is not on node ${toId} yet`);
  refuseSource(catalog, { shardId, nodeId: fromId });
  const left = owners.filter((owner) => owner !== fromId);
  if (left.length === owners.length) return catalog;
  return withGroup(catalog, place, withOwners(place, left, joined));
}

function withPlan(catalog: Catalog, movePlan: MovePlan): Catalog {
  return { ...catalog, movePlan };
}
