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
  /** What the disk does not take; the same may be named more than once. */
  readonly failing: readonly { readonly what: string; readonly reason: string }[];
}

/** Of thousands of damaged shards these are enough to see that the disk is gone. */
const checksMax = 100;

/**
 * The reference's answer, word for word once all shards are open and none is damaged (F135). Before, a node serves all the same, and
 * says how far it is: a question waits for the shards that it is about. Damaged shards are checks that fail, in the form that the
 * reference has for them; the node passes, since a balancer that left it out would take all its other shards away. So does one whose disk takes no writes: it answers questions, and what it is
 * given other nodes keep. One that has not joined
 * a cluster yet, or has left it, fails: it takes no writes.
 */
export async function sendHealth(
  reply: FastifyReply,
  version: string,
  health: () => Promise<NodeHealth>,
): Promise<unknown> {
  const { opened, total, damaged, failing, isMember } = await health();
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
  const reasons = new Map(failing.map(({ what, reason }) => [what, reason]));
  const disk = reasons.size === 0 ? '' : '; the disk does not take all that is written';
  const message = `${ready}${progress}${hurt}${disk}`;
  const failed = (name: string, text: string) => ({ name, status: 'fail', message: text });
  const checks = [
    ...Array.from(reasons, ([what, reason]) => failed(what, reason)),
    // Anybody may ask: paths are in the log.
    ...damaged.map(({ shardId, isRefused }) => failed(`shard ${shardId}`, isRefused ? 'damaged, and neither read nor written' : 'damaged in part')), // prettier-ignore
  ].slice(0, checksMax);
  return sendBareJson(reply, { checks, message, name: 'influxdb', status: 'pass', version });
}
