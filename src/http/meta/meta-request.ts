import type { FastifyReply, FastifyRequest } from 'fastify';
import { isDbError } from '../../base/errors.ts';
import type { MetaNode } from '../../meta/server/meta-node.ts';
import { sendError } from '../error-reply.ts';
import type { MetaApi } from './meta-api-options.ts';

/** A form value: of the body, else of the address. */
export function parameter(request: FastifyRequest, name: string): string {
  const form = new URLSearchParams(typeof request.body === 'string' ? request.body : '');
  const at = request.url.indexOf('?');
  const url = new URLSearchParams(at < 0 ? '' : request.url.slice(at + 1));
  return form.get(name) ?? url.get(name) ?? '';
}

/** Sends a client to the leader with 307, or 503 without one (spec F17); false when this node may do it itself. */
export function isElsewhere(
  request: FastifyRequest,
  reply: FastifyReply,
  { ports: { node, secureSockets } }: MetaApi,
): boolean {
  if (!node.isJoined || node.isLeader) return false;
  const leader = node.leaderHttpAddress;
  if (leader === '') {
    void sendError(reply, 503, 'no leader');
    return true;
  }
  // Only /lease keeps its query string, as in the reference: others carry their parameters in the body.
  const path = request.url.startsWith('/lease') ? request.url : (request.url.split('?')[0] ?? '');
  const scheme = secureSockets === undefined ? 'http' : 'https';
  void reply.redirect(`${scheme}://${leader}${path}`, 307);
  return true;
}

/** On the leader a read sees all that was committed before; elsewhere it may be a moment old. */
export async function settleRead(node: MetaNode): Promise<void> {
  if (!node.isLeader) return;
  await node.readBarrier().catch((error: unknown) => {
    if (!isDbError(error)) throw error;
  });
}

export function sendJson(reply: FastifyReply, document: unknown, status = 200): FastifyReply {
  return reply
    .code(status)
    .type('application/json')
    .send(`${JSON.stringify(document)}\n`);
}
