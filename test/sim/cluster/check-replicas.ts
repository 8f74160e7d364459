/** Owners that differ are repaired, as an operator would have it done, and hold the same values then. */
import type { DataNode } from '../../../src/server/node/data-node.ts';
import type { ClusterWorld } from './cluster-world.ts';
import { measurementOf, type Rows } from './points.ts';
import { shardRows } from './read-rows.ts';
import { latestCatalog } from './window-load.ts';

const repairMsMax = 120_000;
/** Of this measurement a field may have another type on each owner: such values stay apart. */
const conflictMeasurement = 'c';

/** Throws for owners of a shard that are whole and differ. Gives how many shards were compared. */
export async function checkReplicas(
  cluster: ClusterWorld,
  damagedIds: ReadonlySet<number>,
): Promise<number> {
  const { world } = cluster;
  const shards = [...latestCatalog(cluster).databases.shards()].filter(
    ({ database, group, shard }) =>
      database === 'd' && group.deletedAtNs === undefined && !damagedIds.has(shard.id),
  );
  for (const { shard } of shards) await repair(cluster, shard.id, shard.owners);
  for (const { shard } of shards) {
    const held: (readonly [name: string, rows: Rows])[] = [];
    for (const [name, node] of ownersOf(cluster, shard.owners))
      held.push([name, await world.complete(shardRows(node.local, shard.id))]);
    const [first, ...others] = held;
    for (const other of others) if (first !== undefined) compare(shard.id, first, other);
  }
  return shards.length;
}

async function repair(
  cluster: ClusterWorld,
  shardId: number,
  owners: readonly number[],
): Promise<void> {
  const { world } = cluster;
  // An owner that lacks the shard brings it to itself behind the repair, which is over by then (decision 85).
  const services = ownersOf(cluster, owners).flatMap(([, node]) => node.antiEntropy.service ?? []);
  if (services.length < 2) return;
  services[0]?.queueRepair(shardId);
  const limitMs = world.nowMs + repairMsMax;
  const isUnderWay = () =>
    services.some(({ repairs }) => repairs.some((one) => one.shardId === shardId && one.isQueued));
  while (isUnderWay()) {
    if (world.nowMs > limitMs) throw new Error(`the repair of shard ${shardId} does not end`);
    await world.run(world.nowMs + 20);
  }
}

function ownersOf(
  { data }: ClusterWorld,
  owners: readonly number[],
): readonly (readonly [string, DataNode])[] {
  return [...data].filter(([, { meta }]) => meta.isJoined && owners.includes(meta.nodeId));
}

function compare(
  shardId: number,
  [one, rows]: readonly [string, Rows],
  [other, others]: readonly [string, Rows],
): void {
  for (const key of new Set([...rows.keys(), ...others.keys()])) {
    if (measurementOf(key) === conflictMeasurement) continue;
    const [mine, theirs] = [rows.get(key), others.get(key)];
    if (mine !== theirs)
      throw new Error(`after repairs ${one} has ${mine} at ${key} of shard ${shardId}, and ${other} ${theirs}`); // prettier-ignore
  }
}
