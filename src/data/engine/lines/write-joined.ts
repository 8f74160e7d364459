/** Writes bodies that were joined (joined-bodies.ts) where they are parsed: all of them, durable, or nothing of any. */
import type { SharedBuffers } from '../../../base/shared-buffers.ts';
import { joinedEntryWords } from '../../../kernels/line-kernel.ts';
import type { LendBytes } from '../../../models/batch-writer.ts';
import { rowCountOf } from '../../../models/point-batch.ts';
import { stampBatch } from '../../../models/stamp.ts';
import type { NamedShard, OwnerReceipt } from '../shard-access.ts';
import type { JoinedTask } from './joined-bodies.ts';
import type { LineRouter } from './line-router.ts';
import type { OwnShards } from './route-lines.ts';

/** What was written of bodies, all of it durable. */
export interface WrittenJoined {
  /** 0 where there was no point. */
  readonly shardId: number;
  readonly pointCount: number;
}

/** Of a table whose counts are set. */
export function bodiesWithPoints(table: Uint32Array): number {
  let count = 0;
  for (let at = 1; at < table.length; at += joinedEntryWords) if (table[at] !== 0) count++;
  return count;
}

export interface JoinedWritePorts {
  readonly router: LineRouter;
  readonly buffers: SharedBuffers;
  readonly isHome: (shardId: number) => boolean;
  /** Resolves once the batch is durable, or with what it would drop: nothing is written then. */
  readonly write: (place: NamedShard, payload: Uint8Array) => Promise<OwnerReceipt>;
}

/** Undefined where each is to be written by itself. Throws what the write throws, with nothing acknowledged. */
export async function writeJoined(
  { own, ...task }: JoinedTask & { readonly own: OwnShards },
  { router, buffers, isHome, write }: JoinedWritePorts,
): Promise<WrittenJoined | undefined> {
  const { shardIds, stamp, ...names } = own;
  const lend: LendBytes = (lengthBytes) => buffers.lend(lengthBytes);
  const routed = router.routeJoined(task, () => lend);
  if (routed === undefined) return undefined;
  const { batch } = routed;
  if (batch === undefined) return { shardId: 0, pointCount: 0 };
  const { shardId, payload } = batch;
  try {
    if (!isHome(shardId) || !shardIds.includes(shardId)) return undefined;
    stampBatch(payload, stamp);
    const { droppedCount } = await write({ shardId, ...names }, payload);
    return droppedCount === 0 ? { shardId, pointCount: rowCountOf(payload) } : undefined;
  } finally {
    buffers.giveBack(payload);
  }
}
