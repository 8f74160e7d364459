/** Blocks of a part of a plan as another node gets them, for whose answer they are a part. */
import type { EngineReply } from '../../../../env/engine-host.ts';
import type { Pacer } from '../../../../query/run/pacer.ts';
import { batchBlocksMax, batchBytesMax } from '../../block-batches.ts';
import { BlockPacker } from '../../packed-blocks.ts';
import { encodeSentBlocks } from '../../sent-blocks.ts';
import type { FragmentBlock, PlannedBlocks } from '../../shard-access.ts';

export type SentBatch = Omit<PlannedBlocks, 'planned'>;

export const nothingSent: SentBatch = { packed: new Uint8Array(), isLast: true };

/**
 * Batches by what is in them alone: each is a message on four threads, which costs more than the wait for a few more blocks.
 * The last one may be empty.
 */
export async function* sentBatches(
  blocks: Iterable<FragmentBlock | undefined>,
  pacer: Pick<Pacer, 'rest'>,
): AsyncGenerator<SentBatch> {
  let packer = new BlockPacker({ isCopied: true });
  for (const block of blocks) {
    if (block !== undefined) packer.add(block);
    if (packer.sizeBytes >= batchBytesMax || packer.blockCount >= batchBlocksMax) {
      yield { packed: encodeSentBlocks(packer), isLast: false };
      packer = new BlockPacker({ isCopied: true });
    }
    const rest = pacer.rest();
    if (rest !== undefined) await rest;
  }
  yield packer.blockCount === 0 ? nothingSent : { packed: encodeSentBlocks(packer), isLast: true };
}

export function plannedReply(planned: string, { packed, isLast }: SentBatch): EngineReply {
  const body: PlannedBlocks = { planned, packed, isLast };
  const transfer = packed.length === 0 ? [] : [packed.buffer as ArrayBuffer];
  return { body, transfer, isLast };
}
