/**
 * Blocks of a fragment, gathered into batches for their way to the other thread: a message has its price however small it
 * is.
 */
import { BlockPacker } from './packed-blocks.ts';
import type { FragmentBlock } from './shard-access.ts';

export interface BlockBatch {
  /** Undefined where the time was up before there was a block. */
  readonly packer: BlockPacker | undefined;
  /** Nothing comes behind it. */
  readonly isLast: boolean;
}

export const batchBytesMax = 262_144;
export const batchBlocksMax = 512;

/** `isDue` is asked after each block: a batch that took long enough goes as it is. */
export function* batchBlocks(
  blocks: Iterable<FragmentBlock | undefined>,
  isDue: () => boolean,
  packing: { readonly isCopied?: boolean } = {},
): Generator<BlockBatch> {
  let packer = new BlockPacker(packing);
  for (const block of blocks) {
    if (block === undefined) {
      // A pause: what there is goes once the time is up, even if that is nothing.
      if (!isDue()) continue;
    } else packer.add(block);
    if (packer.sizeBytes < batchBytesMax && packer.blockCount < batchBlocksMax && !isDue())
      continue;
    yield { packer: packer.blockCount > 0 ? packer : undefined, isLast: false };
    packer = new BlockPacker(packing);
  }
  if (packer.blockCount > 0) yield { packer, isLast: true };
}
