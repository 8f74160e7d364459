import type { FastifyReply, FastifyRequest } from 'fastify';
import { formatRfc3339 } from '../../base/rfc3339.ts';
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
  if (!/^\d{1,15}$/.test(asked)) return sendPlain(reply, 400, 'invalid node ID');
  if (!meta.ports.node.isJoined) return sendError(reply, 503, 'no leader');
  if (isElsewhere(request, reply, meta)) return reply;
  const { isGranted, lease } = await meta.ports.leases.acquire(name, Number(asked));
  const { nodeId: owner = 0, expiresNs = 0n } = lease ?? {};
  const body = { name: lease?.name ?? '', expiration: formatRfc3339(expiresNs), owner };
  return sendJson(reply, body, isGranted ? 200 : 409);
}
