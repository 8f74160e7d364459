import type { FastifyReply } from 'fastify';
import { isDbError } from '../../base/errors.ts';
import type { Command } from '../../meta/command/command.ts';
import { sendError } from '../error-reply.ts';
import type { MetaApi } from './meta-api-options.ts';

/** Of what a request asks for that cannot be: that is its own fault, whatever is missing. */
const ofRequest = ['not_found', 'already_exists', 'database_not_found'];

/** Changes users, roles or what they may do; false where that cannot be, and the request is answered. */
export async function changeUsers(
  reply: FastifyReply,
  command: Command,
  { ports: { node } }: MetaApi,
): Promise<boolean> {
  if (!node.isJoined) {
    void sendError(reply, 503, 'no leader');
    return false;
  }
  try {
    await node.execute(command);
    return true;
  } catch (error) {
    if (!isDbError(error) || !ofRequest.includes(error.code)) throw error;
    void sendError(reply, 400, error.message);
    return false;
  }
}
