import type { FastifyReply, FastifyRequest } from 'fastify';
import { formatRfc3339 } from '../../base/rfc3339.ts';
import { isDbError } from '../../base/errors.ts';
import type { Lease } from '../../meta/model/catalog.ts';
import type { MetaApi } from './meta-api-options.ts';
import { isElsewhere, parameter, sendJson } from './meta-request.ts';
import { sendError, sendPlain } from '../error-reply.ts';

/** GET /lease: 200 granted or renewed, 409 held by another node (spec F18). */
export async function serveLease(
  request: FastifyRequest,
  reply: FastifyReply,
  meta: MetaApi,
): Promise<FastifyReply> {
  const name = parameter(request, 'name');
  const asked = parameter(request, 'nodeid') || parameter(request, 'node_id');
  if (name === '') return sendPlain(reply, 400, 'lease name required');
  if (asked === '') return sendPlain(reply, 400, 'node ID required');
  if (!/^\d+$/.test(asked)) return sendPlain(reply, 400, 'invalid node ID');
  if (!meta.ports.node.isJoined) return sendError(reply, 503, 'no leader');
  if (isElsewhere(request, reply, meta)) return reply;
  const nodeId = Number(asked);
  const { node, clock } = meta.ports;
  const nowNs = clock.wallNs();
  const durationNs = BigInt(Math.round(meta.options.leaseDurationMs * 1_000_000));
  // One that leads no more must not speak for what the next leader has given to another.
  await node.readBarrier();
  const held = findLease(meta, name);
  // Renewals before half of the time has passed would only fill the log.
  if (held?.nodeId === nodeId && held.expiresNs - nowNs > durationNs / 2n)
    return sendLease(reply, 200, held);
  try {
    const made = await node.execute({ kind: 'acquire-lease', name, nodeId, nowNs, durationNs });
    return await sendLease(reply, 200, made?.lease ?? held);
  } catch (error) {
    if (!isDbError(error, 'conflict')) throw error;
    return sendLease(reply, 409, findLease(meta, name));
  }
}

function findLease({ ports: { node } }: MetaApi, wanted: string): Lease | undefined {
  return node.catalog.leases.find(({ name }) => name === wanted);
}

function sendLease(reply: FastifyReply, status: number, lease: Lease | undefined): FastifyReply {
  const { name = '', nodeId: owner = 0, expiresNs = 0n } = lease ?? {};
  return sendJson(reply, { name, expiration: formatRfc3339(expiresNs), owner }, status);
}
