/** Shards of this node, and repairs of those whose owners differ (spec 4.7, F80, F81). */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { isDbError } from '../../base/errors.ts';
import type { ClusterRepairs } from '../../data/repair/cluster-repairs.ts';
import type { Catalog } from '../../meta/model/catalog.ts';
import type { Clock } from '../../env/clock.ts';
import type { ShardFacts } from '../../storage/store/shards/shard-facts.ts';
import { errorStatus, sendError, sendJson } from '../error-reply.ts';
import { RequestParameters } from './requests/request-parameters.ts';

export interface RepairRoutesPorts {
  readonly clock: Clock;
  readonly catalog: () => Catalog;
  /** Of this node; 0 in no cluster. */
  readonly nodeId: () => number;
  readonly states: () => Promise<readonly ShardFacts[]>;
  readonly repairs: ClusterRepairs;
}

/** What each address is asked for with. */
export const repairMethods: Readonly<Record<string, readonly string[]>> = {
  '/shard-status': ['GET', 'HEAD'],
  '/shard-repair/status': ['GET', 'HEAD'],
  '/shard-repair/repair': ['POST'],
  '/shard-repair/cancel-repair': ['POST'],
};

/** The routes of repairs are there only while anti-entropy is enabled. */
export function addRepairRoutes(api: FastifyInstance, ports: RepairRoutesPorts): void {
  api.get('/shard-status', async (_request, reply) => sendJson(reply, await shardStatus(ports)));
  const whileEnabled =
    (handle: (request: FastifyRequest, reply: FastifyReply) => unknown) =>
    (request: FastifyRequest, reply: FastifyReply): unknown =>
      ports.repairs.isEnabled ? handle(request, reply) : reply.callNotFound();
  const status = whileEnabled((request, reply) => {
    const isLocal = isLocalOf(request);
    return answer(reply, async () => sendJson(reply, await repairStatus(ports, isLocal)));
  });
  api.get('/shard-repair/status', status);
  const repair = whileEnabled((request, reply) =>
    onShard(request, reply, (shardId) => ports.repairs.queue(shardId)),
  );
  api.post('/shard-repair/repair', repair);
  const cancel = whileEnabled((request, reply) => {
    const isLocal = isLocalOf(request);
    return onShard(request, reply, (shardId) => ports.repairs.cancel(shardId, { isLocal }));
  });
  api.post('/shard-repair/cancel-repair', cancel);
}

/** What this node owns, by database and policy. */
async function shardStatus(ports: RepairRoutesPorts): Promise<unknown> {
  const { databases } = ports.catalog();
  const nodeId = ports.nodeId();
  const nowNs = ports.clock.wallNs();
  const sizes = new Map((await ports.states()).map((one) => [one.shardId, one.sizeBytes]));
  const processing = new Set((await ports.repairs.list({ isLocal: true })).filter(({ isProcessing }) => isProcessing).map(({ shardId }) => shardId)); // prettier-ignore
  const stateOf = (id: number, restoreIndex: number | undefined): string => {
    if (restoreIndex !== undefined) return 'restoring';
    return processing.has(id) ? 'repairing' : 'healthy';
  };
  const shown = databases.map(({ name, retentionPolicies }) => ({
    name,
    retention_policies: retentionPolicies.flatMap(({ name: policy, replicaCount, shardGroups }) => {
      const shards = shardGroups
        .filter(({ deletedAtNs }) => deletedAtNs === undefined)
        .flatMap((group) =>
          group.shards
            .filter(({ owners }) => owners.includes(nodeId))
            .map(({ id, restoreIndex }) => {
              const size = sizes.get(id);
              const isHot = group.startNs <= nowNs && nowNs < group.endNs;
              return { id, ...(size !== undefined && { size }), is_hot: isHot, state: stateOf(id, restoreIndex) }; // prettier-ignore
            }),
        );
      return shards.length === 0 ? [] : [{ name: policy, replication_factor: replicaCount, shards }]; // prettier-ignore
    }),
  }));
  return { databases: shown.filter(({ retention_policies: some }) => some.length > 0) };
}

async function repairStatus(ports: RepairRoutesPorts, isLocal: boolean): Promise<unknown> {
  const { databases } = ports.catalog();
  const repairs = await ports.repairs.list({ isLocal });
  const shards = repairs.flatMap(({ shardId, status }) => {
    const place = databases.shard(shardId);
    if (place === undefined || status === '') return [];
    const { database, retentionPolicy, group } = place;
    const { durationNs = 0n } = databases.get(database)?.retentionPolicies.find(({ name }) => name === retentionPolicy) ?? {}; // prettier-ignore
    const expires = durationNs === 0n ? 0n : group.endNs + durationNs;
    return [
      {
        id: `${shardId}`,
        database,
        retention_policy: retentionPolicy,
        start_time: `${group.startNs}`,
        end_time: `${group.endNs}`,
        expires: `${expires}`,
        status,
      },
    ];
  });
  const ids = (isWanted: (one: (typeof repairs)[number]) => boolean): readonly string[] =>
    repairs.filter(isWanted).map(({ shardId }) => `${shardId}`);
  return {
    shards,
    queued_shards: ids(({ isQueued }) => isQueued),
    processing_shards: ids(({ isProcessing }) => isProcessing),
  };
}

function onShard(
  request: FastifyRequest,
  reply: FastifyReply,
  act: (shardId: number) => Promise<void>,
): Promise<unknown> {
  const id = RequestParameters.ofUrl(request).get('id');
  if (!/^[1-9]\d{0,15}$/.test(id)) {
    sendError(reply, 400, id === '' ? 'missing shard id' : `invalid shard id: "${id}"`);
    return Promise.resolve(reply);
  }
  return answer(reply, async () => {
    await act(Number(id));
    return reply.code(204).send();
  });
}

async function answer(reply: FastifyReply, make: () => Promise<unknown>): Promise<unknown> {
  try {
    return await make();
  } catch (error) {
    if (!isDbError(error)) throw error;
    // Of the statuses that errors have elsewhere the reference has these two here.
    const status = errorStatus[error.code] < 500 ? 400 : 500;
    sendError(reply, status, error.message);
    return reply;
  }
}

function isLocalOf(request: FastifyRequest): boolean {
  return RequestParameters.ofUrl(request).get('local') === 'true';
}
