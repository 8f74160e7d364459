/** What a meta leader that moves shards knows of the data nodes: who answers, what waits for whom, how large shards are. */
import type { RpcClient } from '../../rpc/rpc-client.ts';
import { exchangeHintsMethod, waitingKeys } from '../client/hint-news-method.ts';
import type { Catalog } from '../model/catalog.ts';
import { askStates } from './shard-states.ts';
import type { PlannedShard, PlanView } from './plan-moves.ts';

/** Of nodes: where shards of replicas had better not be the same. */
const zoneLabel = 'zone';

export interface Heard {
  /** Nodes that have answered. */
  readonly nodeIds: ReadonlySet<number>;
  /** Shards of a node, as `node shard`, for which something waits in hinted handoff of a node that has answered. */
  readonly waiting: ReadonlySet<string>;
  /** Those of which the node lacks something that waits nowhere, as some node knows: a repair alone brings it. */
  readonly lost: ReadonlySet<string>;
  /** Nodes on which something waits, for whomever. */
  readonly holderIds: ReadonlySet<number>;
}

const askDeadlineMs = 2_000;

/** Asks every data node at once. */
export async function hear(
  rpc: Pick<RpcClient, 'call'>,
  { dataNodes }: Catalog,
  ownId: number,
): Promise<Heard> {
  const heard = { nodeIds: new Set<number>(), waiting: new Set<string>(), lost: new Set<string>(), holderIds: new Set<number>() }; // prettier-ignore
  const asked = dataNodes.map(async ({ id, tcpAddress }) => {
    const request = { nodeId: ownId, waiting: [] };
    const options = { deadlineMs: askDeadlineMs };
    const told = await rpc.call(tcpAddress, exchangeHintsMethod, request, options);
    heard.nodeIds.add(id);
    const lost = waitingKeys(told.lost);
    const waiting = [...waitingKeys(told.waiting)].filter((key) => !lost.has(key));
    if (waiting.length > 0) heard.holderIds.add(id);
    for (const key of waiting) heard.waiting.add(key);
    for (const key of lost) heard.lost.add(key);
  });
  // Who does not answer is not heard.
  await Promise.allSettled(asked);
  return heard;
}

/** For the planner: sizes are those of the owner that has most. */
export async function planView(
  rpc: Pick<RpcClient, 'stream'>,
  catalog: Catalog,
): Promise<PlanView> {
  const states = await askStates(rpc, catalog.dataNodes);
  const nodes = catalog.dataNodes.map(({ id, isPassive = false, labels = [] }) => ({
    id,
    isPassive,
    isSilent: typeof states.get(id) === 'string',
    zone: labels.find(({ name }) => name === zoneLabel)?.value,
  }));
  const sizeOf = (shardId: number, owner: number): number => {
    const held = states.get(owner);
    return typeof held === 'object' ? (held.get(shardId)?.sizeBytes ?? 0) : 0;
  };
  const shards: PlannedShard[] = [];
  for (const { database, retentionPolicy, shard } of catalog.databases.shards()) {
    const policies = catalog.databases.get(database)?.retentionPolicies ?? [];
    const policy = policies.find(({ name }) => name === retentionPolicy);
    const { id, owners, restoreIndex } = shard;
    if (owners.length === 0) continue;
    const sizeBytes = Math.max(...owners.map((owner) => sizeOf(id, owner)));
    const replicaCount = policy?.replicaCount ?? 1;
    shards.push({ id, owners, sizeBytes, replicaCount, isAwaited: restoreIndex !== undefined });
  }
  return { nodes, shards };
}

/** Shards whose points are all in files, and that were not written to since, as all say who have them. */
export async function quietShards(
  rpc: Pick<RpcClient, 'stream'>,
  { dataNodes }: Catalog,
  beforeNs: bigint,
): Promise<ReadonlySet<number>> {
  const quiet = new Set<number>();
  const written = new Set<number>();
  for (const held of (await askStates(rpc, dataNodes)).values()) {
    // One that does not say.
    if (typeof held === 'string') continue;
    for (const { shardId, isHot, modifiedNs } of held.values())
      (isHot || modifiedNs > beforeNs ? written : quiet).add(shardId);
  }
  return new Set([...quiet].filter((shardId) => !written.has(shardId)));
}
