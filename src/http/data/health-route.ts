import type { FastifyReply } from 'fastify';
import { sendJson } from '../error-reply.ts';

export interface OpenedShards {
  readonly opened: number;
  readonly total: number;
}

/**
 * The reference's answer, word for word once all shards are open (F135). Before, a node serves all the same, and says how far
 * it is: a question waits for the shards that it is about.
 */
export async function sendHealth(
  reply: FastifyReply,
  version: string,
  opening: () => Promise<OpenedShards>,
): Promise<unknown> {
  const { opened, total } = await opening();
  const ready = 'ready for queries and writes';
  const message = opened === total ? ready : `${ready}: opened ${opened} of ${total} shards`;
  return sendJson(reply, { checks: [], message, name: 'influxdb', status: 'pass', version });
}
