import type { FastifyReply, FastifyRequest } from 'fastify';
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
  const scheme = secureSockets === undefined ? 'http' : 'https';
  // Parameters may be of the body or of the address: without these the leader would do something else.
  void reply.redirect(`${scheme}://${leader}${request.url}`, 307);
  return true;
}

/** As long as an election takes: a node that was just started hears of its leader by then. */
const readWaitMsMax = 2_000;

/** A read sees all that was committed before; where nobody leads, what this node knows. */
export async function settleRead(node: Pick<MetaNode, 'settleRead'>): Promise<void> {
  await node.settleRead(readWaitMsMax);
}

export function sendJson(reply: FastifyReply, document: unknown, status = 200): FastifyReply {
  return reply
    .code(status)
    .type('application/json')
    .send(`${JSON.stringify(document)}\n`);
}
