/** Copies that a node which died had in hand, this one or another, and that somebody else brings to their owners (decision 137). */
import { DbError } from '../../base/errors.ts';
import type { LocalShards } from '../../data/engine/local-shards.ts';
import { settledMethod } from '../../data/shards/shard-methods.ts';
import type { PassOn, PassOnPorts } from '../../data/shards/pass-on.ts';
import { findShard } from '../../data/shards/shard-places.ts';
import { UnsettledWrites } from '../../data/shards/unsettled-writes.ts';
import { LastMoments } from '../../data/write/last-moments.ts';
import type { OwnerShares } from '../../data/write/owner-shares.ts';
import type { Env } from '../../env/env.ts';
import { storedDeletesMethod } from '../../meta/client/digest-methods.ts';
import type { MetaClient } from '../../meta/client/meta-client.ts';
import type { RpcClient } from '../../rpc/rpc-client.ts';
import type { RunningServer } from '../daemon/run-daemon.ts';
import type { DataConfig } from './data-config.ts';

export interface InHand {
  /** What other nodes may not have brought to all owners. */
  readonly unsettled: UnsettledWrites;
  /** What is brought in the place of a node that died: to be closed before copies are. */
  readonly passing: RunningServer;
  /** Notes that the node has ended as it was told to: to be closed last. */
  readonly ended: RunningServer;
}

/** A node that is well answers at once. */
const askedDeadlineMs = 2_000;
/** Of a call: a copy waits before it, too. */
const windowShare = 1.5;

export async function openInHand(
  { clock, disk, log: root }: Env,
  config: DataConfig,
  { meta, local, rpc, shares }: { readonly meta: MetaClient; readonly local: LocalShards; readonly rpc: RpcClient; readonly shares: OwnerShares }, // prettier-ignore
): Promise<InHand> {
  const log = root.child('write');
  const passOn: PassOn = async (batch, owners) => {
    await Promise.all(owners.map((owner) => shares.send(owner, batch).outcome));
  };
  const addressOf = (nodeId: number): string => {
    const node = meta.catalog.dataNodes.find(({ id }) => id === nodeId);
    if (node === undefined) throw new DbError('node_not_found', 'node not found');
    return node.tcpAddress;
  };
  const storedDeletes: PassOnPorts['storedDeletes'] = async (nodeId, shardId) => {
    if (nodeId === meta.nodeId) return local.digests.storedDeletes(shardId);
    const options = { deadlineMs: askedDeadlineMs };
    return (await rpc.call(addressOf(nodeId), storedDeletesMethod, { shardId }, options)).deletes;
  };
  const unsettled = new UnsettledWrites({
    ...{ clock, log, passOn, storedDeletes },
    nodeId: () => meta.nodeId,
    otherOwners: (shardId) =>
      (findShard(meta.catalog, shardId)?.owners ?? []).filter((id) => id !== meta.nodeId),
    ask: async (nodeId) => {
      const request = { nodeId: meta.nodeId };
      return rpc.call(addressOf(nodeId), settledMethod, request, { deadlineMs: askedDeadlineMs });
    },
  });
  const windowMs = Math.ceil(config.get('cluster', 'write-timeout') * windowShare);
  const lastMoments = await LastMoments.open(
    {
      ...{ clock, disk, log, meta, local, passOn, storedDeletes },
      isSettled: () => unsettled.heldBytes === 0,
    },
    { folder: config.get('meta', 'dir'), windowNs: BigInt(windowMs) * 1_000_000n },
  );
  const passing = {
    close: async () => {
      await lastMoments.close();
      await unsettled.close();
    },
  };
  return { unsettled, passing, ended: { close: () => lastMoments.end() } };
}
