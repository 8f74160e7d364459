import { DbError } from '../../base/errors.ts';
import type { MetaAccess } from '../../meta/client/meta-access.ts';
import type { RpcClient } from '../../rpc/rpc-client.ts';
import { KnownDescriptions } from './known-descriptions.ts';
import { KnownEmpties } from './known-empties.ts';
import type { HeldPledges } from './pledges/held-pledges.ts';
import { RemoteShards } from './remote-shards.ts';
import type { ShardAccess } from '../engine/shard-access.ts';

/** The way to the shards of every data node, this one included. */
export class ClusterShards {
  readonly #meta: MetaAccess;
  readonly #local: ShardAccess;
  readonly #rpc: RpcClient;
  readonly #known = new KnownDescriptions();
  readonly #empties = new KnownEmpties();
  readonly #pledges: HeldPledges;
  readonly #readerTimeoutMs: number | undefined;
  /** When an owner last missed something that went through this node; 0 when it lacks nothing. */
  readonly missedAt: (shardId: number, nodeId: number) => number;

  constructor(
    meta: MetaAccess,
    local: ShardAccess,
    {
      rpc,
      missedAt,
      pledges,
      readerTimeoutMs,
    }: {
      readonly rpc: RpcClient;
      readonly missedAt: (shardId: number, nodeId: number) => number;
      readonly pledges: HeldPledges;
      readonly readerTimeoutMs?: number | undefined;
    },
  ) {
    this.#meta = meta;
    this.#local = local;
    this.#rpc = rpc;
    this.missedAt = missedAt;
    this.#pledges = pledges;
    this.#readerTimeoutMs = readerTimeoutMs;
  }

  /** Throws `node_not_found` for a node that has left the cluster. */
  of(nodeId: number): ShardAccess {
    if (nodeId === this.#meta.nodeId) return this.#local;
    const node = this.#meta.catalog.dataNodes.find(({ id }) => id === nodeId);
    if (node === undefined) throw new DbError('node_not_found', 'node not found');
    const memory = { known: this.#known, empties: this.#empties, pledges: this.#pledges, readerTimeoutMs: this.#readerTimeoutMs }; // prettier-ignore
    return new RemoteShards(this.#rpc, node, memory);
  }
}
