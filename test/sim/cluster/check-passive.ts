/** A passive node takes and forwards, and owns nothing: no catalog names it as an owner, and it has no points. */
import type { DataNode } from '../../../src/server/node/data-node.ts';
import { passive, type ClusterWorld } from './cluster-world.ts';
import { latestCatalog } from './window-load.ts';

export async function checkPassive(cluster: ClusterWorld): Promise<void> {
  const node = cluster.data.get(passive);
  if (node === undefined) return;
  const { nodeId } = node.meta;
  const owned = [...latestCatalog(cluster).databases.shards()].find(({ shard }) => shard.owners.includes(nodeId)); // prettier-ignore
  if (owned !== undefined)
    throw new Error(`${passive} is passive, and owns shard ${owned.shard.id}`);
  await checkEmpty(cluster, node);
}

async function checkEmpty({ world }: ClusterWorld, node: DataNode): Promise<void> {
  const [held] = await world.complete(node.local.facts.holdings());
  if (held !== undefined) throw new Error(`${passive} is passive, and has shard ${held.shardId}`);
}
