import { dayNs, hourNs, maxTimeNs } from '../../base/units.ts';
import type { RetentionPolicy, ShardGroup, ShardInfo } from './catalog.ts';

/** From Go's zero time, 1 January of year 1, to 1970: boundaries are multiples of the duration since then (spec F30). */
const goZeroToUnixNs = 62_135_596_800_000_000_000n;

/** What 64 bits hold, which is a little more than a point may have. */
const int64MinNs = -(2n ** 63n);

/** Duration of the shard groups of a policy that names none (spec F29). 0 stands for a policy without end. */
export function defaultShardGroupDurationNs(durationNs: bigint): bigint {
  if (durationNs >= 180n * dayNs || durationNs === 0n) return 7n * dayNs;
  return durationNs >= 2n * dayNs ? dayNs : hourNs;
}

/** What the catalog keeps for `SHARD DURATION`: the default for 0, never under an hour. */
export function normalShardGroupDurationNs(askedNs: bigint, durationNs: bigint): bigint {
  if (askedNs === 0n) return defaultShardGroupDurationNs(durationNs);
  return askedNs < hourNs ? hourNs : askedNs;
}

/** Start of the interval of `durationNs` around `timeNs`. */
export function truncateTime(timeNs: bigint, durationNs: bigint): bigint {
  const past = (timeNs + goZeroToUnixNs) % durationNs;
  return timeNs - (past < 0n ? past + durationNs : past);
}

/** Where the group holds points up to. */
export function endOfGroup(group: ShardGroup): bigint {
  return group.truncatedAtNs ?? group.endNs;
}

/** Its times as 64 bits hold them: the group of the least ones begins before those. */
export function rangeOfGroup({ startNs, endNs }: ShardGroup): {
  readonly startNs: bigint;
  readonly endNs: bigint;
} {
  return { startNs: startNs < int64MinNs ? int64MinNs : startNs, endNs };
}

/** The group that takes a point of this time now; undefined when it is still to be made. */
export function groupAt(policy: RetentionPolicy, timeNs: bigint): ShardGroup | undefined {
  const group = liveFrom(policy.shardGroups, firstEndingAfter(policy.shardGroups, timeNs), 1);
  return group !== undefined && group.startNs <= timeNs ? group : undefined;
}

/** Place of the first group, in their order, that ends after `timeNs`; groups that are not deleted do not overlap. */
function firstEndingAfter(groups: readonly ShardGroup[], timeNs: bigint): number {
  const last = groups.at(-1);
  // Most new points are later than all there are.
  if (last === undefined || endOfGroup(last) <= timeNs) return groups.length;
  let [low, high] = [0, groups.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    const group = groups[middle];
    if (group !== undefined && endOfGroup(group) <= timeNs) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The first group that is not deleted, from place `at` on, a step at a time. */
function liveFrom(groups: readonly ShardGroup[], at: number, step: 1 | -1): ShardGroup | undefined {
  let place = at;
  while (groups[place]?.deletedAtNs !== undefined) place += step;
  return groups[place];
}

/** Groups with points in [minNs, maxNs], in order of time. */
export function groupsWithin(
  policy: RetentionPolicy,
  minNs: bigint,
  maxNs: bigint,
): readonly ShardGroup[] {
  return policy.shardGroups.filter(
    (group) => group.deletedAtNs === undefined && group.startNs <= maxNs && minNs < group.endNs,
  );
}

/** The widest interval around `timeNs` that leaves existing groups alone, and what is before `freeFromNs` (spec F30). */
export function newGroupBounds(
  policy: RetentionPolicy,
  timeNs: bigint,
  freeFromNs?: bigint,
): { readonly startNs: bigint; readonly endNs: bigint } {
  let startNs = truncateTime(timeNs, policy.shardGroupDurationNs);
  let endNs = startNs + policy.shardGroupDurationNs;
  if (endNs > maxTimeNs) endNs = maxTimeNs + 1n;
  if (freeFromNs !== undefined && startNs < freeFromNs) startNs = freeFromNs;
  const next = firstEndingAfter(policy.shardGroups, timeNs);
  const before = liveFrom(policy.shardGroups, next - 1, -1);
  if (before !== undefined && startNs < endOfGroup(before)) startNs = endOfGroup(before);
  const after = liveFrom(policy.shardGroups, next, 1);
  if (after !== undefined && after.startNs > timeNs && after.startNs < endNs) endNs = after.startNs;
  return { startNs, endNs };
}

/** Fewest shards that spread `replicaCount` copies evenly over `nodeCount` nodes (spec F26). */
export function shardCount(nodeCount: number, replicaCount: number): number {
  let count = 1;
  while ((count * replicaCount) % nodeCount !== 0) count++;
  return count;
}

/** Shards of a new group: owners round robin in the order of the ids, from a place that moves with the log (spec F27). */
export function placeShards(
  nodeIds: readonly number[],
  replicaCount: number,
  from: { readonly firstShardId: number; readonly raftIndex: number },
): readonly ShardInfo[] {
  const replicas = Math.max(1, Math.min(replicaCount, nodeIds.length));
  const count = shardCount(nodeIds.length, replicas);
  let node = from.raftIndex % nodeIds.length;
  const shards: ShardInfo[] = [];
  // Plain loops: a start does again what has made thousands of groups.
  for (let i = 0; i < count; i++) {
    const owners: number[] = [];
    for (let copy = 0; copy < replicas; copy++) owners.push(nodeIds[node++ % nodeIds.length] ?? 0);
    shards.push({ id: from.firstShardId + i, owners });
  }
  return shards;
}

/** By when it ends, then by when it starts: the order in which the reference lists groups. */
export function compareGroups(left: ShardGroup, right: ShardGroup): number {
  const [leftEnd, rightEnd] = [endOfGroup(left), endOfGroup(right)];
  if (leftEnd !== rightEnd) return leftEnd < rightEnd ? -1 : 1;
  return left.startNs < right.startNs ? -1 : Number(left.startNs > right.startNs);
}

/** Lists that are known to be in order: a new group is put into thousands without a look at all of them. */
const inOrder = new WeakSet<readonly ShardGroup[]>();

/** Both together, in order; `added` are in order and at least one. */
export function withGroups(
  groups: readonly ShardGroup[],
  added: readonly [ShardGroup, ...ShardGroup[]],
): readonly ShardGroup[] {
  const from = inOrder.has(groups) ? firstBehind(groups, added[0]) : 0;
  const behind = [...groups.slice(from), ...added].sort(compareGroups);
  const all = from === 0 ? behind : groups.slice(0, from).concat(behind);
  inOrder.add(all);
  return all;
}

/** Place of the first group that is in order behind `group`; they are in order. */
function firstBehind(groups: readonly ShardGroup[], group: ShardGroup): number {
  let [low, high] = [0, groups.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    const other = groups[middle];
    if (other !== undefined && compareGroups(other, group) <= 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
