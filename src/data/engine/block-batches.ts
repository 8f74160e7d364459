/**
 * Blocks of a fragment, gathered into batches for their way to the other thread: a message has its price however small it
 * is.
 */
import { fragmentEnd } from '../../query/fragment-run.ts';
import { BlockPacker } from './packed-blocks.ts';
import type { FragmentBlock } from './shard-access.ts';

export interface BlockBatch {
  /** Undefined where the time was up before there was a block. */
  readonly packer: BlockPacker | undefined;
  /** How many blocks of the batch stand before the end of each fragment that ends in it; none where one alone is answered. */
  readonly ends: readonly number[];
  /** Nothing comes behind it. */
  readonly isLast: boolean;
}

export const batchBytesMax = 262_144;
export const batchBlocksMax = 512;

/** `isDue` is asked after each block: a batch that took long enough goes as it is. */
export function* batchBlocks(
  blocks: Iterable<FragmentBlock | typeof fragmentEnd | undefined>,
  isDue: () => boolean,
  packing: { readonly isCopied?: boolean } = {},
): Generator<BlockBatch> {
  let packer = new BlockPacker(packing);
  let ends: number[] = [];
  const isEmpty = () => packer.blockCount === 0 && ends.length === 0;
  for (const block of blocks) {
    if (block === undefined) {
      // A pause: what there is goes once the time is up, even if that is nothing.
      if (!isDue()) continue;
    } else if (block === fragmentEnd) ends.push(packer.blockCount);
    else packer.add(block);
    if (packer.sizeBytes < batchBytesMax && packer.blockCount < batchBlocksMax && !isDue())
      continue;
    yield { packer: isEmpty() ? undefined : packer, ends, isLast: false };
    packer = new BlockPacker(packing);
    ends = [];
  }
  if (!isEmpty()) yield { packer, ends, isLast: true };
}
