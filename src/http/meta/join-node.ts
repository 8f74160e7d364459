import {
  joinDataMethod,
  type DataIdentity,
  type SharedShard,
} from '../../meta/client/data-methods.ts';
import type { Catalog } from '../../meta/model/catalog.ts';
import type { MetaApiPorts } from './meta-api-options.ts';

/** One on an empty disk makes a folder for each shard that it owns. */
const joinDeadlineMs = 60_000;

export interface JoiningNode extends DataIdentity {
  /** It was a member before, with shards. What others keep for one that never was is brought to it as it joins: it lacks nothing. */
  readonly wasMember: boolean;
}

/** Tells a data node which one it is, and what it should have. Throws what the node refuses. */
export async function joinNode(
  address: string,
  { wasMember, ...identity }: JoiningNode,
  { node, rpc }: Pick<MetaApiPorts, 'node' | 'rpc'>,
): Promise<void> {
  const sharedShards = wasMember ? sharedShardsOf(node.catalog, identity.nodeId) : [];
  const request = { ...identity, sharedShards };
  await rpc.call(address, joinDataMethod, request, { deadlineMs: joinDeadlineMs });
}

function sharedShardsOf({ databases }: Catalog, nodeId: number): readonly SharedShard[] {
  const shared: SharedShard[] = [];
  for (const { database, retentionPolicy, group, shard } of databases.shards())
    if (group.deletedAtNs === undefined && shard.owners.length > 1 && shard.owners.includes(nodeId))
      shared.push({ shardId: shard.id, database, retentionPolicy });
  return shared;
}
