import { DbError, errorText, isDbError, type DbErrorCode } from '../../base/errors.ts';
import type { Random } from '../../env/random.ts';
import type { ShardInfo } from '../../meta/model/catalog.ts';
import type { FailedOwners } from './failed-owners.ts';

export interface OwnerPreference {
  readonly localNodeId: number;
  readonly random: Random;
  readonly failed: FailedOwners;
  /** When an owner last missed something that went through this node; 0 when it lacks nothing (LaggingOwners). */
  readonly missedAt: (shardId: number, nodeId: number) => number;
  /** Nobody but this node is asked, and shards that it has no copy of are left out (spec F57). */
  readonly pinnedNodeId?: number | undefined;
  /** Whether a shard without a live owner may be passed over; the error's cause is what is wrong with it at an owner, or that all are away. */
  readonly leavesOut?: ((shardId: number, error: DbError) => boolean) | undefined;
}

/**
 * One owner for each shard: of those that have the newest of what went through this node, this node where it is one, else a
 * node chosen before, else any (spec F55). An owner that is behind is asked only when no other is left. Throws what an owner
 * failed with when none is left (with a pinned node, at once), unless the shard may be left out.
 */
export function chooseOwners(
  shards: readonly ShardInfo[],
  { localNodeId, random, failed, missedAt, pinnedNodeId, leavesOut }: OwnerPreference,
): ReadonlyMap<number, readonly number[]> {
  const chosen = new Map<number, number[]>();
  for (const { id, owners: all, restoreIndex } of shards) {
    const owners = pinnedNodeId === undefined ? all : all.filter((one) => one === pinnedNodeId);
    if (owners.length === 0 && all.length > 0) continue;
    if (restoreIndex !== undefined)
      throw new DbError('unavailable', `shard ${id} is being restored`);
    // Mostly there is nothing to choose from.
    if (
      owners.includes(localNodeId) &&
      !failed.has(localNodeId, id) &&
      missedAt(id, localNodeId) === 0
    ) {
      add(chosen, localNodeId, id);
      continue;
    }
    const live = owners.filter((owner) => !failed.has(owner, id));
    if (live.length === 0) {
      const error = noOwner(id, owners, failed);
      if (leavesOut?.(id, error) !== true) throw error;
      continue;
    }
    const missed = live.map((owner) => missedAt(id, owner));
    const least = Math.min(...missed);
    const candidates = live.filter((_owner, i) => missed[i] === least);
    const owner =
      candidates.find((one) => one === localNodeId) ??
      candidates.find((one) => chosen.has(one)) ??
      candidates[random.u32() % candidates.length] ??
      0;
    add(chosen, owner, id);
  }
  return chosen;
}

function add(chosen: Map<number, number[]>, owner: number, shardId: number): void {
  const ofOwner = chosen.get(owner);
  if (ofOwner === undefined) chosen.set(owner, [shardId]);
  else ofOwner.push(shardId);
}

const nodeFailures: readonly DbErrorCode[] = [
  // The node was away,
  'unavailable',
  'timeout',
  'outcome_unknown',
  'shutdown',
  'node_not_found',
  // or takes this one for somebody else: their clocks or their secrets differ, or its address is another cluster's by now,
  'unauthenticated',
  'wrong_cluster',
  // or what it has is damaged or cannot be read,
  'corrupt',
  'io_error',
  // or is of another release.
  'unsupported_version',
];

/** Whether another owner may do better: the node failed, the request was not wrong. */
export function isNodeFailure(error: unknown): boolean {
  return nodeFailures.some((code) => isDbError(error, code));
}

/** Whether the node may be down: it did not answer, or not in time. */
export function isAway(error: unknown): error is DbError {
  return (['unavailable', 'outcome_unknown', 'timeout'] as const).some((code) => isDbError(error, code)); // prettier-ignore
}

function noOwner(shardId: number, owners: readonly number[], failed: FailedOwners): DbError {
  const causes = owners.map((owner) => failed.reason(owner, shardId));
  // A node that is away comes back by itself: what is wrong with a shard somebody has to know, and no list may be without it.
  const cause = causes.findLast((one) => one !== undefined && !isAway(one)) ?? causes.at(-1);
  const reason = cause === undefined ? `it has no owner (DROP SHARD ${shardId} gives it up)` : errorText(cause); // prettier-ignore
  return new DbError('unavailable', `shard ${shardId} is unavailable: ${reason}`, { cause });
}
