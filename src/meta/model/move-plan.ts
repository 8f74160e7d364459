/**
 * A plan by which shards go from node to node, as the catalog keeps it (decision 40): one at a time, so that whoever leads the
 * metas goes on with it. One that has ended stays until the next begins.
 *
 * How far a move is shows in the owners of its shard: the node that it goes to owns it once it is copied, the one that it comes
 * from owns it no more once it is handed over.
 */
export interface MovePlan {
  /** Of the catalog that it began with: names the plan. */
  readonly beganIndex: number;
  readonly goal: MoveGoal;
  /** The node that is to own nothing at the end, and gets no new shards; 0 where there is none. */
  readonly leavingId: number;
  /** The node that takes its place; 0 where any may. */
  readonly joiningId: number;
  /** The leaving node is taken out of the cluster at the end. */
  readonly isRemoval: boolean;
  readonly isPaused: boolean;
  /** By the clock of the leader that was asked; `endedNs` is 0 while the plan is in force. */
  readonly startedNs: bigint;
  readonly endedNs: bigint;
  readonly moves: readonly ShardMove[];
}

/** `restore`: what a node owned that is silent is brought to others. */
export type MoveGoal = 'balance' | 'replace' | 'decommission' | 'restore';
export const moveGoals = ['balance', 'replace', 'decommission', 'restore'] as const;

/** What a planner proposes. */
export interface ProposedMove {
  readonly shardId: number;
  readonly fromId: number;
  /** 0 for a shard that cannot go anywhere. */
  readonly toId: number;
  /** 0 when `toId` owns it already. */
  readonly sizeBytes: number;
  /** Why it cannot go; '' where it can. */
  readonly reason: string;
}

/** `left`: it is handed over, and the node that had it was away and has not deleted it. */
export interface ShardMove extends ProposedMove {
  readonly state: MoveState;
}

export type MoveState = 'open' | 'done' | 'left' | 'failed';
export const moveStates = ['open', 'done', 'left', 'failed'] as const;

/** Of a plan, and so of a command. */
export const movesMax = 1_000;

/** Of a catalog. */
export interface WithPlan {
  readonly movePlan?: MovePlan | undefined;
}

/** The plan in force; undefined when there is none. */
export function activePlan({ movePlan }: WithPlan): MovePlan | undefined {
  return movePlan?.endedNs === 0n ? movePlan : undefined;
}

/** The node that is given no more shards; 0 when there is none. */
export function leavingNodeId(catalog: WithPlan): number {
  return activePlan(catalog)?.leavingId ?? 0;
}
