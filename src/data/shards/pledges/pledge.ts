/**
 * The word of a node that its lists stay what they are (decision 103): no change of its series, fields and tag keys is acknowledged
 * before whoever holds the word has been told, or before its time is over. What was made of the lists needs no question meanwhile.
 */
import { count, id } from '../../../proto/field.ts';
import { varve } from '../../../proto/gen/wire.js';
import { message } from '../../../proto/message.ts';
import { callMethod } from '../../../rpc/method.ts';

const { v1 } = varve.data;

export interface Pledge {
  /** From when it was asked for, by the clock of who asked. */
  readonly durationMs: number;
  /** By which the node owned its shards: who has an older catalog reads others. */
  readonly catalogIndex: number;
}

/** Longer ones are not believed: a write would wait as long for a holder that has died. */
export const pledgeMsMax = 60_000;

export const pledgeMessage = message(v1.Pledge, {
  durationMs: count({ max: pledgeMsMax }),
  catalogIndex: count(),
});

/** Who gave it and who holds it: an address may be another node's by now. */
export const endPledgeMethod = callMethod('/varve.data.v1.Shards/EndPledge', {
  request: message(v1.EndPledgeRequest, { fromNodeId: id, toNodeId: id }),
  reply: message(v1.EndPledgeReply, {}),
});
