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
}

/**
 * One owner for each shard: of those that have the newest of what went through this node, this node where it is one, else a
 * node chosen before, else any (spec F55). An owner that is behind is asked only when no other is left. Throws what the last
 * tried owner failed with when none is left.
 */
export function chooseOwners(
  shards: readonly ShardInfo[],
  { localNodeId, random, failed, missedAt }: OwnerPreference,
): ReadonlyMap<number, readonly number[]> {
  const chosen = new Map<number, number[]>();
  for (const { id, owners, restoreIndex } of shards) {
    if (restoreIndex !== undefined)
      throw new DbError('unavailable', `shard ${id} is being restored`);
    const live = owners.filter((owner) => !failed.has(owner, id));
    if (live.length === 0) throw noOwner(id, owners, failed);
    const missed = live.map((owner) => missedAt(id, owner));
    const least = Math.min(...missed);
    const candidates = live.filter((_owner, i) => missed[i] === least);
    const owner =
      candidates.find((one) => one === localNodeId) ??
      candidates.find((one) => chosen.has(one)) ??
      candidates[random.u32() % candidates.length] ??
      0;
    const ofOwner = chosen.get(owner);
    if (ofOwner === undefined) chosen.set(owner, [id]);
    else ofOwner.push(id);
  }
  return chosen;
}

const nodeFailures: readonly DbErrorCode[] = [
  // The node was away,
  'unavailable',
  'timeout',
  'outcome_unknown',
  'shutdown',
  'node_not_found',
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

function noOwner(shardId: number, owners: readonly number[], failed: FailedOwners): DbError {
  const cause = failed.reason(owners.at(-1) ?? 0, shardId);
  const reason = cause === undefined ? 'it has no owner' : errorText(cause);
  return new DbError('unavailable', `shard ${shardId} is unavailable: ${reason}`, { cause });
}
