import type { Catalog } from './catalog.ts';

/**
 * What the cluster says of a shard:
 * - `live`: it is in the catalog and its group is not deleted.
 * - `dropped`: it was in the catalog once and is no more, or its group is marked deleted; it never comes back.
 * - `unknown`: it is of a later catalog than this one, which says nothing of it.
 */
export type ShardFate = 'live' | 'dropped' | 'unknown';

/**
 * The fate of a shard that was made in this catalog's cluster. It holds whether or not this node ever saw a catalog with
 * the shard, and after any restart: ids count up for ever, and the command that makes a shard moves `maxShardId` with it.
 *
 * Of a shard of another cluster's (a folder that was there before the node joined) the catalog says nothing: whoever
 * deletes by this has to know that the folder was made under `catalog.clusterId`.
 */
export function shardFate(catalog: Catalog, shardId: number): ShardFate {
  if (catalog.databases.shard(shardId) !== undefined) return 'live';
  return shardId <= catalog.maxShardId ? 'dropped' : 'unknown';
}

/** Whether node `nodeId` is to hold shard `shardId` now. */
export function ownsShard(catalog: Catalog, shardId: number, nodeId: number): boolean {
  return catalog.databases.shard(shardId)?.shard.owners.includes(nodeId) === true;
}
