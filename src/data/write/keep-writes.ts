/** Copies that one node can neither bring to their owner nor keep: another one keeps them (hand-over.ts). Both ends. */
import { DbError, errorText, isDbError } from '../../base/errors.ts';
import type { Standing } from '../../hh/hint-target.ts';
import type { MetaAccess } from '../../meta/client/meta-access.ts';
import type { RpcClient } from '../../rpc/rpc-client.ts';
import type { ShardBatch } from '../engine/shard-access.ts';
import { keepWritesMethod } from '../shards/shard-methods.ts';
import { findShard } from '../shards/shard-places.ts';
import { HandOver } from './hand-over.ts';
import type { HintSink } from './hint-sink.ts';

type Meta = Pick<MetaAccess, 'catalog' | 'nodeId'>;

export type KeepWrites = (nodeId: number, batches: readonly ShardBatch[]) => Promise<void>;

export interface KeeperPorts {
  readonly meta: Meta;
  readonly hintsOf: (nodeId: number) => HintSink;
  readonly standing: (nodeId: number, shardId: number) => Standing;
}

/** Keeps batches for another node. Throws `invalid_argument`, `shard_not_found`, and why they could not be kept. */
export function keeperOf({ meta, hintsOf, standing }: KeeperPorts): KeepWrites {
  return async (nodeId, batches) => {
    const shardId = batches[0]?.shardId ?? 0;
    if (nodeId === meta.nodeId || batches.some((one) => one.shardId !== shardId))
      throw new DbError('invalid_argument', 'writes of one shard are kept for another node');
    if (standing(nodeId, shardId) !== 'owner')
      throw new DbError('shard_not_found', `shard ${shardId} is not on node ${nodeId}`);
    const { kind, error } = { error: undefined, ...(await hintsOf(nodeId).enqueue(batches, undefined)) }; // prettier-ignore
    if (kind === 'queued') return;
    throw isDbError(error) ? error : new DbError('unavailable', errorText(error));
  };
}

/** Hands over to other nodes, each of which gets `deadlineMs`. */
export function handOverTo(
  { meta, rpc }: { readonly meta: Meta; readonly rpc: Pick<RpcClient, 'call'> },
  { deadlineMs }: { readonly deadlineMs: number },
): HandOver {
  return new HandOver({
    peers: (shardId) => ({
      all: meta.catalog.dataNodes.map(({ id }) => id).filter((id) => id !== meta.nodeId),
      owners: findShard(meta.catalog, shardId)?.owners ?? [],
    }),
    keep: async (nodeId, ownerId, batch) => {
      const node = meta.catalog.dataNodes.find(({ id }) => id === nodeId);
      if (node === undefined) throw new DbError('node_not_found', 'node not found');
      const request = { nodeId: ownerId, batches: [batch] };
      await rpc.call(node.tcpAddress, keepWritesMethod, request, { deadlineMs });
    },
  });
}
