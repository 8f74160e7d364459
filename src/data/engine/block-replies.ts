/** What a worker answers of a fragment: blocks for this node's main thread, or a message for another node. */
import type { EngineReply } from '../../env/engine-host.ts';
import type { BlockPacker } from './packed-blocks.ts';
import { encodeSentBlocks } from './sent-blocks.ts';
import type { SentBlocks } from './shard-access.ts';

export function packedReply(packer: BlockPacker, isLast: boolean): EngineReply {
  const packed = packer.take();
  return { body: packed, transfer: packed.buffers, isLast };
}

export function sentReply(packer: BlockPacker, isLast: boolean): EngineReply {
  const bytes = encodeSentBlocks(packer);
  const body: SentBlocks = { bytes, isLast };
  return { body, transfer: [bytes.buffer as ArrayBuffer], isLast };
}
