import { inLanes } from '../../base/async/in-lanes.ts';
import { errorText } from '../../base/errors.ts';
import type { Log } from '../../env/log.ts';
import type { DeletePointsRequest } from '../engine/shard-access.ts';
import { hintOfDelete } from './delete-hint.ts';
import type { HintStore, NoteIndex } from './node-hint-sink.ts';

export interface KeepDeletePorts {
  readonly hints: Pick<HintStore, 'append'>;
  readonly log: Log;
  readonly noteIndex: NoteIndex;
}

export type KeepDelete = (nodeId: number, request: DeletePointsRequest) => Promise<void>;

/** Each syncs a file of its own: of thousands of shards one behind the other would keep whoever deletes waiting. */
const keptAtOnce = 32;

/** Keeps deletes for nodes that are away. */
export function keepDeletes(ports: KeepDeletePorts): KeepDelete {
  return (nodeId, request) => keepForNode(ports, nodeId, request);
}

/** Keeps a delete in hinted handoff, for each shard by itself. Never rejects: its sender is told in any case that the node may be down. */
async function keepForNode(
  { hints, log, noteIndex }: KeepDeletePorts,
  nodeId: number,
  request: DeletePointsRequest,
): Promise<void> {
  await inLanes(request.shardIds, keptAtOnce, async (shardId) => {
    try {
      noteIndex(nodeId, shardId, request.catalogIndex ?? 0);
      await hints.append(nodeId, shardId, [hintOfDelete({ ...request, shardIds: [shardId] })]);
    } catch (failure) {
      const fields = { nodeId, shardId, error: errorText(failure) };
      log.warn('A delete could not be kept for its owner', fields);
    }
  });
}
