import { DbError } from '../../base/errors.ts';
import type { MetaAccess } from '../../meta/client/meta-access.ts';
import type { RpcClient } from '../../rpc/rpc-client.ts';
import { RemoteShards } from './remote-shards.ts';
import type { ShardAccess } from '../engine/shard-access.ts';

/** The way to the shards of every data node, this one included. */
export class ClusterShards {
  readonly #meta: MetaAccess;
  readonly #local: ShardAccess;
  readonly #rpc: RpcClient;
  /** Whether an owner lacks something that clients of this node have been told is written (OwnerPreference). */
  readonly isBehind: (shardId: number, nodeId: number) => boolean;

  constructor(
    meta: MetaAccess,
    local: ShardAccess,
    {
      rpc,
      isBehind,
    }: {
      readonly rpc: RpcClient;
      readonly isBehind: (shardId: number, nodeId: number) => boolean;
    },
  ) {
    this.#meta = meta;
    this.#local = local;
    this.#rpc = rpc;
    this.isBehind = isBehind;
  }

  /** Throws `node_not_found` for a node that has left the cluster. */
  of(nodeId: number): ShardAccess {
    if (nodeId === this.#meta.nodeId) return this.#local;
    const node = this.#meta.catalog.dataNodes.find(({ id }) => id === nodeId);
    if (node === undefined) throw new DbError('node_not_found', 'node not found');
    return new RemoteShards(this.#rpc, node.tcpAddress);
  }
}
