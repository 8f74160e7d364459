/**
 * Writes what a worker has parsed to the shards that are at home with it: a batch whose only copy is this node's need not
 * travel to the coordinator and back (docs/internals/writes.md).
 *
 * Invariants:
 * - Nothing of a body is written before all of it is routed: one whose points lack a group is routed again.
 * - A batch that could not be written goes back, and all of its shard behind it: the coordinator does with them what it does
 *   with any other, and later lines stay the later ones.
 * - Batches have the stamps of their coordinator, also those that go back; one that is left without goes back, and all of its shard behind it.
 * - Memory of a batch is used again only after its write has ended.
 */
import { InvariantError } from '../../../base/assert.ts';
import type { SharedBuffers } from '../../../base/shared-buffers.ts';
import { newShared, type LendBytes } from '../../../models/batch-writer.ts';
import { rowCountOf } from '../../../models/point-batch.ts';
import { laterBy, stampBatch } from '../../../models/stamp.ts';
import type { LineRouter } from './line-router.ts';
import { ownStampsMax, type LinesTask, type RoutedBatch, type RoutedLines, type WrittenBatch } from './route-lines.ts'; // prettier-ignore
import type { HomeReceipt } from '../engine-tasks.ts';
import type { NamedShard, OwnerReceipt } from '../shard-access.ts';

/** Columns of eight bytes are read where they lie. */
const batchAlignment = 8;

export interface OwnWritesPorts {
  readonly router: LineRouter;
  readonly buffers: SharedBuffers;
  readonly isHome: (shardId: number) => boolean;
  /** Resolves once the batch is durable, or with what is to be asked first: nothing is written then. */
  readonly write: (place: NamedShard, payload: Uint8Array) => Promise<HomeReceipt>;
}

/** Parses a body, and writes the batches that may be written here. */
export async function routeAndWrite(task: LinesTask, ports: OwnWritesPorts): Promise<RoutedLines> {
  const { router, buffers, isHome, write } = ports;
  const { own } = task;
  const lendRoom = lendFrom(task.room);
  if (own === undefined) return router.route(task, () => lendRoom);
  const { shardIds, stamp, ...names } = own;
  const lend: LendBytes = (lengthBytes) => buffers.lend(lengthBytes);
  const isOwn = (shardId: number): boolean => isHome(shardId) && shardIds.includes(shardId);
  const routed = router.route(task, (shardId) => (isOwn(shardId) ? lend : lendRoom));
  // Those behind have none: the next ones are another body's.
  routed.batches.slice(0, ownStampsMax).forEach(({ payload }, i) => {
    stampBatch(payload, laterBy(stamp, i));
  });
  const writeOne = async ({ shardId, payload }: RoutedBatch, i: number): Promise<OwnerReceipt | undefined> =>
    i < ownStampsMax && isOwn(shardId) ? receiptOf(write({ shardId, ...names }, payload)) : undefined; // prettier-ignore
  const receipts = await Promise.all(routed.batches.map(writeOne));
  const left: RoutedBatch[] = [];
  const written: WrittenBatch[] = [];
  const leftIds = new Set<number>();
  routed.batches.forEach((batch, i) => {
    const { shardId, payload } = batch;
    const receipt = receipts[i];
    if (receipt === undefined || leftIds.has(shardId)) {
      leftIds.add(shardId);
      left.push(batch);
      return;
    }
    written.push({ shardId, pointCount: rowCountOf(payload), ...receipt });
    buffers.giveBack(payload);
  });
  return { ...routed, batches: left, written };
}

/** Cuts batches from a room, as they begin; what does not fit has memory of its own. */
function lendFrom(room: Uint8Array | undefined): LendBytes | undefined {
  if (room === undefined) return undefined;
  let at = 0;
  return (lengthBytes) => {
    if (at + lengthBytes > room.length) return newShared(lengthBytes);
    const start = at;
    at += Math.ceil(lengthBytes / batchAlignment) * batchAlignment;
    return room.subarray(start, start + lengthBytes);
  };
}

/** Undefined when it was not written: the coordinator's try has the same error, or better luck, or asks what is to be asked. */
async function receiptOf(written: Promise<HomeReceipt>): Promise<OwnerReceipt | undefined> {
  try {
    const { asks, ...receipt } = await written;
    return asks === undefined ? receipt : undefined;
  } catch (error) {
    if (error instanceof InvariantError) throw error;
    return undefined;
  }
}
