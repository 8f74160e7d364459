import { errorText } from '../../base/errors.ts';
import type { RpcClient } from '../../rpc/rpc-client.ts';
import { statesMethod, type ShardState } from '../client/data-methods.ts';
import type { DataNode } from '../model/catalog.ts';

/** By data node: its shards, or why it does not say. */
export type StatesByNode = ReadonlyMap<number, ReadonlyMap<number, ShardState> | string>;

const deadlineMs = 5_000;

/** Asks every data node at once. */
export async function askStates(
  rpc: Pick<RpcClient, 'stream'>,
  dataNodes: readonly DataNode[],
): Promise<StatesByNode> {
  const all = new Map<number, ReadonlyMap<number, ShardState> | string>();
  const asked = dataNodes.map(async ({ id, tcpAddress }) => {
    try {
      const held = new Map<number, ShardState>();
      for await (const { states } of rpc.stream(
        tcpAddress,
        statesMethod,
        { tellsBehind: false },
        { deadlineMs },
      ))
        for (const state of states) held.set(state.shardId, state);
      all.set(id, held);
    } catch (error) {
      all.set(id, errorText(error));
    }
  });
  await Promise.all(asked);
  return all;
}
