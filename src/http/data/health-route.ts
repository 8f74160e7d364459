import type { FastifyReply } from 'fastify';
import { sendBareJson } from '../error-reply.ts';

export interface NodeHealth {
  /** Of the shards that were there at the start. */
  readonly opened: number;
  readonly total: number;
  /** Of a cluster: without one there is nobody who says where points go, and nothing to read. */
  readonly isMember: boolean;
  readonly damaged: readonly {
    readonly shardId: number;
    /** Nobody reads or writes it here. */
    readonly isRefused: boolean;
  }[];
}

/** Of thousands of damaged shards these are enough to see that the disk is gone. */
const checksMax = 100;

/**
 * The reference's answer, word for word once all shards are open and none is damaged (F135). Before, a node serves all the same, and
 * says how far it is: a question waits for the shards that it is about. Damaged shards are checks that fail, in the form that the
 * reference has for them; the node passes, since a balancer that left it out would take all its other shards away. One that has not joined
 * a cluster yet, or has left it, fails: it takes no writes.
 */
export async function sendHealth(
  reply: FastifyReply,
  version: string,
  health: () => Promise<NodeHealth>,
): Promise<unknown> {
  const { opened, total, damaged, isMember } = await health();
  if (!isMember) {
    const message = 'not a member of a cluster';
    return sendBareJson(reply.code(503), { checks: [], message, name: 'influxdb', status: 'fail', version }); // prettier-ignore
  }
  const ready = 'ready for queries and writes';
  const progress = opened === total ? '' : `: opened ${opened} of ${total} shards`;
  const hurt =
    damaged.length === 0
      ? ''
      : damaged.length === 1
        ? '; 1 shard is damaged'
        : `; ${damaged.length} shards are damaged`;
  const message = `${ready}${progress}${hurt}`;
  const checks = damaged.slice(0, checksMax).map(({ shardId, isRefused }) => ({
    name: `shard ${shardId}`,
    status: 'fail',
    // Anybody may ask: paths are in the log.
    message: isRefused ? 'damaged, and neither read nor written' : 'damaged in part',
  }));
  return sendBareJson(reply, { checks, message, name: 'influxdb', status: 'pass', version });
}
