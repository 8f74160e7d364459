import type { FastifyInstance } from 'fastify';
import { DbError } from '../../base/errors.ts';
import type { MoveGoal, ProposedMove, ShardMove } from '../../meta/model/move-plan.ts';
import { copiesOf } from '../../meta/model/shard-copies.ts';
import { sendError } from '../error-reply.ts';
import { addDataNode } from './add-nodes.ts';
import { findDataNode } from './change-nodes.ts';
import { askProgress } from './copy-routes.ts';
import type { MetaApi } from './meta-api-options.ts';
import { isElsewhere, parameter, sendJson, settleRead } from './meta-request.ts';

const noNodes = { leavingId: 0, joiningId: 0, isRemoval: false };

/** Plans by which shards move from node to node: ours, the reference has none (decision 40). */
export function addPlanRoutes(api: FastifyInstance, meta: MetaApi): void {
  const { node, plans } = meta.ports;
  api.get('/rebalance', async (request, reply) => {
    if (isElsewhere(request, reply, meta)) return reply;
    await settleRead(node);
    return sendJson(reply, await statusDocument(meta));
  });
  api.post('/rebalance', async (request, reply) => {
    const action = parameter(request, 'action');
    if (!['plan', 'run', 'pause', 'resume', 'stop'].includes(action))
      return sendError(reply, 400, `invalid action: ${action}`);
    if (isElsewhere(request, reply, meta)) return reply;
    if (action === 'plan' || action === 'run')
      return sendJson(reply, await planned(meta, 'balance', { ...noNodes, isDry: action === 'plan' })); // prettier-ignore
    if (action === 'stop') await plans.stop();
    else await plans.pause(action === 'pause');
    return reply.code(204).send();
  });
  api.post('/decommission', async (request, reply) => {
    const address = parameter(request, 'addr');
    if (address === '') return sendError(reply, 400, `'addr' is a required parameter`);
    if (isElsewhere(request, reply, meta)) return reply;
    await node.readBarrier();
    const leavingId = idOf(meta, address);
    const wish = { ...noNodes, leavingId, ...wishOf(request) };
    return sendJson(reply, await planned(meta, 'decommission', wish));
  });
  api.post('/replace-data', async (request, reply) => {
    const [oldAddress, newAddress] = [parameter(request, 'oldAddr'), parameter(request, 'newAddr')];
    if (oldAddress === '') return sendError(reply, 400, `'oldAddr' is a required parameter`);
    if (newAddress === '') return sendError(reply, 400, `'newAddr' is a required parameter`);
    if (oldAddress === newAddress) return sendError(reply, 400, 'oldAddr and newAddr are the same');
    if (isElsewhere(request, reply, meta)) return reply;
    await node.readBarrier();
    const leavingId = idOf(meta, oldAddress);
    const wish = wishOf(request);
    // One that is not of the cluster yet; of a dry run the planner may take any node for it.
    const isNew = findDataNode(node.catalog.dataNodes, newAddress) === undefined;
    const add = () => addDataNode(newAddress, meta, { isPassive: false });
    if (isNew && !wish.isDry) await meta.turns.run([newAddress], add);
    const joiningId = isNew && wish.isDry ? 0 : idOf(meta, newAddress);
    return sendJson(reply, await planned(meta, 'replace', { leavingId, joiningId, ...wish }));
  });
}

function wishOf(request: Parameters<typeof parameter>[0]): {
  readonly isDry: boolean;
  readonly isRemoval: boolean;
} {
  const isDry = parameter(request, 'plan') === 'true';
  return { isDry, isRemoval: parameter(request, 'keep') !== 'true' };
}

function idOf({ ports: { node } }: MetaApi, address: string): number {
  const found = findDataNode(node.catalog.dataNodes, address);
  if (found !== undefined) return found.id;
  throw new DbError('invalid_argument', `unable to find node for "${address}"`);
}

/** The moves: what would be done, or is begun. */
async function planned(
  meta: MetaApi,
  goal: MoveGoal,
  { isDry, ...nodes }: typeof noNodes & { readonly isDry: boolean },
): Promise<unknown> {
  const { plans } = meta.ports;
  const request = { goal, ...nodes };
  const moves = isDry ? await plans.propose(request) : await plans.begin(request);
  return { goal, moves: moves.map((move) => moveDocument(meta, move)) };
}

function moveDocument(
  { ports: { node } }: MetaApi,
  move: ProposedMove,
): Readonly<Record<string, unknown>> {
  // prettier-ignore
  const { catalog } = node;
  const addressOf = (id: number): string =>
    catalog.dataNodes.find((one) => one.id === id)?.tcpAddress ?? '';
  const place = catalog.databases.shard(move.shardId);
  return {
    'shard-id': move.shardId,
    database: place?.database ?? '',
    'retention-policy': place?.retentionPolicy ?? '',
    from: addressOf(move.fromId),
    to: addressOf(move.toId),
    size: move.sizeBytes,
    reason: move.reason,
  };
}

/** The plan in force, or the last one; null before the first. */
async function statusDocument(meta: MetaApi): Promise<unknown> {
  const { catalog } = meta.ports.node;
  const { movePlan: plan } = catalog;
  if (plan === undefined) return null;
  const progress = plan.endedNs === 0n ? await askProgress(meta) : new Map<number, never>();
  const doneOf = ({ state, shardId, toId, sizeBytes }: ShardMove) => {
    if (state !== 'open') return { state, done: state === 'failed' ? 0 : sizeBytes, rate: 0 };
    const copy = copiesOf(catalog).find((one) => one.shardId === shardId && one.destinationId === toId); // prettier-ignore
    if (copy === undefined) {
      const isOwner = catalog.databases.shard(shardId)?.shard.owners.includes(toId) === true;
      return { state: isOwner ? 'copied' : 'waiting', done: isOwner ? sizeBytes : 0, rate: 0 };
    }
    const { doneBytes = 0, bytesPerSecond = 0 } = progress.get(copy.beganIndex) ?? {};
    return { state: copy.state, done: doneBytes, rate: bytesPerSecond };
  };
  const state = plan.endedNs !== 0n ? 'ended' : plan.isPaused ? 'paused' : 'running';
  return {
    goal: plan.goal,
    state,
    'started-at': String(plan.startedNs),
    'ended-at': String(plan.endedNs),
    moves: plan.moves.map((move) => ({ ...moveDocument(meta, move), ...doneOf(move) })),
  };
}
