import type { FastifyInstance } from 'fastify';
import { DbError } from '../../base/errors.ts';
import { copiesMethod, type CopyProgress } from '../../meta/client/transfer-methods.ts';
import type { Catalog, DataNode } from '../../meta/model/catalog.ts';
import { copiesOf, type ShardCopy } from '../../meta/model/shard-copies.ts';
import { sendError } from '../error-reply.ts';
import { findDataNode } from './change-nodes.ts';
import type { MetaApi } from './meta-api-options.ts';
import { isElsewhere, parameter, sendJson, settleRead } from './meta-request.ts';

const statusDeadlineMs = 5_000;

/** Copies of shards from node to node (spec F35 to F37, 3.3). */
export function addCopyRoutes(api: FastifyInstance, meta: MetaApi): void {
  const { node, copies } = meta.ports;
  api.post('/copy-shard', async (request, reply) => {
    const named = { source: parameter(request, 'src'), destination: parameter(request, 'dest'), shard: parameter(request, 'shard') }; // prettier-ignore
    const { source, destination, shard } = named;
    const missing = missingParameter([['src', source], ['dest', destination]]); // prettier-ignore
    if (missing !== undefined) return sendError(reply, 400, missing);
    if (source === destination) return sendError(reply, 400, 'dest and src are the same');
    if (shard === '') return sendError(reply, 400, `'shard' is a required parameter`);
    if (isElsewhere(request, reply, meta)) return reply;
    await node.readBarrier();
    const place = placeOf(node.catalog, named, { isOwned: true });
    await copies.copy(place);
    return reply.code(204).send();
  });
  api.post('/kill-copy-shard', async (request, reply) => {
    const missing = missingParameter(['src', 'dest', 'shard'].map((name) => [name, parameter(request, name)])); // prettier-ignore
    if (missing !== undefined) return sendError(reply, 400, missing);
    if (isElsewhere(request, reply, meta)) return reply;
    const named = { source: parameter(request, 'src'), destination: parameter(request, 'dest'), shard: parameter(request, 'shard') }; // prettier-ignore
    await node.readBarrier();
    const place = placeOf(node.catalog, named, { isOwned: false });
    if (!(await copies.kill(place)))
      return sendError(reply, 400, `shard ${place.shardId} is not being copied from "${named.source}" to "${named.destination}"`); // prettier-ignore
    return reply.code(204).send();
  });
  api.get('/copy-shard-status', async (request, reply) => {
    if (isElsewhere(request, reply, meta)) return reply;
    await settleRead(node);
    return sendJson(reply, await statusDocument(meta));
  });
}

function missingParameter(given: readonly (readonly string[])[]): string | undefined {
  const [name] = given.find(([, value]) => value === '') ?? [];
  return name === undefined ? undefined : `'${name}' is a required parameter`;
}

/** Throws the reference's texts. */
function placeOf(
  { dataNodes, databases }: Catalog,
  named: { readonly source: string; readonly destination: string; readonly shard: string },
  { isOwned }: { readonly isOwned: boolean },
): Pick<ShardCopy, 'shardId' | 'sourceId' | 'destinationId'> {
  const idOf = (address: string): number => {
    const found = findDataNode(dataNodes, address);
    if (found === undefined) throw wrong(`unable to find node for "${address}"`);
    return found.id;
  };
  const [sourceId, destinationId] = [idOf(named.source), idOf(named.destination)];
  const shardId = shardIdOf(named.shard);
  const place = databases.shard(shardId);
  if (place === undefined) throw wrong(`shard not found for id: ${shardId}`);
  if (isOwned && !place.shard.owners.includes(sourceId))
    throw wrong(`"${named.source}" is not an owner of shard ${shardId}`);
  return { shardId, sourceId, destinationId };
}

/** Throws the reference's texts. */
export function shardIdOf(text: string): number {
  if (!/^-?\d{1,15}$/.test(text)) throw wrong(`error converting shard to int: ${text}`);
  const shardId = Number(text);
  if (shardId <= 0)
    throw wrong(`invalid parameter value for 'shard': shard id must be greater than 0`);
  return shardId;
}

/** Each copy as the catalog has it, with what its destination says of it. */
async function statusDocument(meta: MetaApi): Promise<unknown> {
  const { catalog } = meta.ports.node;
  const addressOf = (id: number): string =>
    catalog.dataNodes.find((one) => one.id === id)?.tcpAddress ?? '';
  const asked = await askProgress(meta);
  return copiesOf(catalog).map((copy) => {
    const { shardId, sourceId, destinationId, startedNs, beganIndex, state } = copy;
    const place = catalog.databases.shard(shardId);
    const { totalBytes = 0, doneBytes = 0, bytesPerSecond = 0 } = asked.get(beganIndex) ?? {};
    return {
      source: addressOf(sourceId),
      dest: addressOf(destinationId),
      database: place?.database ?? '',
      'retention-policy': place?.retentionPolicy ?? '',
      'shard-id': shardId,
      'total-size': totalBytes,
      'current-size': doneBytes,
      'started-at': String(startedNs),
      'bytes-per-second': bytesPerSecond,
      state,
    };
  });
}

/** What the destinations of copies say of them, by the index that a copy began with; those that do not answer are left out. */
export async function askProgress({
  ports: { node, rpc },
}: MetaApi): Promise<ReadonlyMap<number, CopyProgress>> {
  const { catalog } = node;
  const destinations = new Set(copiesOf(catalog).map(({ destinationId }) => destinationId));
  const asked = new Map<number, CopyProgress>();
  const ask = async ({ tcpAddress }: DataNode): Promise<void> => {
    const options = { deadlineMs: statusDeadlineMs };
    const said = await rpc.call(tcpAddress, copiesMethod, {}, options).catch(() => undefined);
    for (const one of said?.copies ?? []) asked.set(one.copyIndex, one);
  };
  await Promise.all(catalog.dataNodes.filter(({ id }) => destinations.has(id)).map(ask));
  return asked;
}

function wrong(text: string): DbError {
  return new DbError('invalid_argument', text);
}
