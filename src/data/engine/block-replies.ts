/** What a worker answers of a fragment: blocks for this node's main thread, or a message for another node. */
import type { EngineReply } from '../../env/engine-host.ts';
import type { BlockPacker, PackedBlocks } from './packed-blocks.ts';
import { encodeSentBlocks } from './sent-blocks.ts';
import type { SentBlocks } from './shard-access.ts';

/** `ends` as a batch has them (block-batches.ts). */
interface ReplyOptions {
  readonly ends: readonly number[];
  readonly isLast: boolean;
  readonly schemaVersion: number | undefined;
}

/** With the first reply: the version of the worker's schemas when it took what it reads. */
export interface ReadAt {
  readonly schemaVersion?: number | undefined;
}

/** Blocks for this node's main thread; `ends` where several fragments are answered. */
export interface PackedBatch extends PackedBlocks, ReadAt {
  readonly ends?: readonly number[];
}

export function packedReply(
  packer: BlockPacker,
  { ends, isLast, schemaVersion }: ReplyOptions,
): EngineReply {
  const packed = packer.take();
  const body: PackedBatch =
    ends.length > 0 ? { ...packed, ends, schemaVersion } : { ...packed, schemaVersion };
  return { body, transfer: packed.buffers, isLast };
}

export function sentReply(
  packer: BlockPacker,
  { ends, isLast, schemaVersion }: ReplyOptions,
): EngineReply {
  const bytes = encodeSentBlocks(packer);
  const body: SentBlocks & ReadAt =
    ends.length > 0 ? { bytes, ends, isLast, schemaVersion } : { bytes, isLast, schemaVersion };
  return { body, transfer: [bytes.buffer as ArrayBuffer], isLast };
}
