import type { FastifyInstance } from 'fastify';
import { DbError, errorText } from '../../base/errors.ts';
import { discardMethod } from '../../meta/client/data-methods.ts';
import { parseTomlDurationNs } from '../../config/toml-duration.ts';
import { sendError } from '../error-reply.ts';
import { findDataNode } from './change-nodes.ts';
import { shardIdOf } from './copy-routes.ts';
import type { MetaApi } from './meta-api-options.ts';
import { isElsewhere, parameter, sendJson, settleRead } from './meta-request.ts';
import { isCopied } from '../../meta/model/shard-copies.ts';
import { askStates } from '../../meta/server/shard-states.ts';
import { mismatchesDocument, shardsDocument } from './show-documents.ts';

const deleteDeadlineMs = 60_000;
const delayDefault = '1m0s';
const delayLengthMax = 64;

/** What the cluster knows of its shards, and how an operator cuts and removes them (spec 3.3, 3.5). */
export function addShardRoutes(api: FastifyInstance, meta: MetaApi): void {
  const { node, clock } = meta.ports;
  api.get('/show-shards', async (request, reply) => {
    await settleRead(node);
    const isMismatched = parameter(request, 'mismatched') === 'true';
    const isVerbose = isMismatched || parameter(request, 'verbose') === 'true';
    const states = isVerbose ? await askStates(meta.ports.rpc, node.catalog.dataNodes) : undefined;
    if (isMismatched && states !== undefined)
      return sendJson(reply, mismatchesDocument(node.catalog, states));
    const withExpired = parameter(request, 'expired') === 'true';
    return sendJson(
      reply,
      shardsDocument(node.catalog, { nowNs: clock.wallNs(), withExpired, states }),
    );
  });
  api.post('/truncate-shards', async (request, reply) => {
    if (isElsewhere(request, reply, meta)) return reply;
    const delayNs = parsedDelay(parameter(request, 'delay') || delayDefault);
    await node.execute({ kind: 'truncate-shard-groups', timeNs: clock.wallNs() + delayNs });
    return reply.code(204).send();
  });
  api.post('/remove-shard', async (request, reply) => {
    const [source, shard] = [parameter(request, 'src'), parameter(request, 'shard')];
    if (source === '') return sendError(reply, 400, `'src' is a required parameter`);
    if (shard === '') return sendError(reply, 400, `'shard' is a required parameter`);
    if (isElsewhere(request, reply, meta)) return reply;
    await removeShard(source, shard, meta);
    return reply.code(204).send();
  });
}

/**
 * The node owns the shard no more, and then deletes it: nobody asks it for points that it has deleted (spec F38). It is asked for
 * its shards first: what cannot be deleted stays owned. Cut off in between, it is done when it is asked for again.
 */
async function removeShard(source: string, shard: string, { ports }: MetaApi): Promise<void> {
  const { node, rpc, clock } = ports;
  await node.readBarrier();
  const { dataNodes, databases } = node.catalog;
  const owner = findDataNode(dataNodes, source);
  if (owner === undefined) throw wrong(`unable to find node for "${source}"`);
  const shardId = shardIdOf(shard);
  const place = databases.shard(shardId);
  if (place === undefined) throw wrong(`shard not found for id: ${shardId}`);
  const isOwner = place.shard.owners.includes(owner.id);
  const held = (await askStates(rpc, [owner])).get(owner.id);
  if (typeof held === 'string') throw new DbError('unavailable', held);
  if (isOwner) {
    const command = { kind: 'remove-shard-owner', shardId, nodeId: owner.id } as const;
    await node.execute({ ...command, nowNs: clock.wallNs() });
  } else if (held?.has(shardId) !== true || isCopied(node.catalog, shardId)) {
    throw wrong(`"${source}" is not an owner of shard ${shardId}`);
  }
  const request = { shardId, catalogIndex: node.catalog.index };
  await rpc.call(owner.tcpAddress, discardMethod, request, { deadlineMs: deleteDeadlineMs });
}

function parsedDelay(text: string): bigint {
  if (text.length > delayLengthMax) throw wrong(`time: invalid duration "${text}"`);
  let delayNs: bigint;
  try {
    delayNs = parseTomlDurationNs(text);
  } catch (error) {
    throw new DbError('invalid_argument', errorText(error), { cause: error });
  }
  // A point of a time behind the cut that is there already would be another one when it is written again.
  if (delayNs < 0n) throw wrong('delay must not be negative');
  return delayNs;
}

function wrong(text: string): DbError {
  return new DbError('invalid_argument', text);
}
