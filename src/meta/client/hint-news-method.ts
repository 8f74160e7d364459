/** How nodes tell each other what waits for owners in their hinted handoff (src/proto/data.proto, service Hints). */
import { count, id, list } from '../../proto/field.ts';
import { varve } from '../../proto/gen/wire.js';
import { message } from '../../proto/message.ts';
import { callMethod } from '../../rpc/method.ts';

const { v1 } = varve.data;

/** Shards of all nodes that a message names; what waits for more is not told of. */
export const waitingShardsMax = 10_000;
const nodesMax = 10_000;

/** Shards of which a node lacks something. */
export interface WaitingHints {
  readonly nodeId: number;
  readonly shardIds: readonly number[];
}

/** What names an owner and a shard, of sets of them. */
export function waitingKey(nodeId: number, shardId: number): string {
  return `${nodeId} ${shardId}`;
}

export function waitingKeys(waiting: readonly WaitingHints[]): ReadonlySet<string> {
  return new Set(
    waiting.flatMap(({ nodeId, shardIds }) =>
      shardIds.map((shardId) => waitingKey(nodeId, shardId)),
    ),
  );
}

/** A shard of which all owners have the same, since a repair of late. */
export interface RepairedShard {
  readonly shardId: number;
  readonly beganMsAgo: number;
}

/** Of which a reply tells. */
export const repairedShardsMax = 1_000;

const repaired = list(message(v1.RepairedShard, { shardId: id, beganMsAgo: count() }), { max: repairedShardsMax }); // prettier-ignore

export const waitingHints = list(
  message(v1.WaitingHints, { nodeId: id, shardIds: list(id, { max: waitingShardsMax }) }),
  { max: nodesMax },
);

export const exchangeHintsMethod = callMethod('/varve.data.v1.Hints/Exchange', {
  request: message(v1.ExchangeHintsRequest, { nodeId: id, waiting: waitingHints }),
  reply: message(v1.ExchangeHintsReply, { waiting: waitingHints, repaired, lost: waitingHints }),
});
