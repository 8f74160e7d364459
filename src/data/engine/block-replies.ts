/** What a worker answers of a fragment: blocks for this node's main thread, or a message for another node. */
import type { EngineReply } from '../../env/engine-host.ts';
import type { BlockPacker, PackedBlocks } from './packed-blocks.ts';
import { encodeSentBlocks } from './sent-blocks.ts';
import type { SentBlocks } from './shard-access.ts';

/** `ends` as a batch has them (block-batches.ts). */
interface ReplyOptions {
  readonly ends: readonly number[];
  readonly isLast: boolean;
}

/** Blocks for this node's main thread; `ends` where several fragments are answered. */
export interface PackedBatch extends PackedBlocks {
  readonly ends?: readonly number[];
}

export function packedReply(packer: BlockPacker, { ends, isLast }: ReplyOptions): EngineReply {
  const packed = packer.take();
  const body: PackedBatch = ends.length > 0 ? { ...packed, ends } : packed;
  return { body, transfer: packed.buffers, isLast };
}

export function sentReply(packer: BlockPacker, { ends, isLast }: ReplyOptions): EngineReply {
  const bytes = encodeSentBlocks(packer);
  const body: SentBlocks = ends.length > 0 ? { bytes, ends, isLast } : { bytes, isLast };
  return { body, transfer: [bytes.buffer as ArrayBuffer], isLast };
}
