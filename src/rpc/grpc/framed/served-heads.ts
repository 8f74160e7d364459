/** What the headers of a request say. The same block says the same each time, and a node's calls of one method have the same one. */
import type { Buffer } from 'node:buffer';
import type { RpcMetadata } from '../../../env/transport.ts';
import { deadlineMsOf, isGrpcRequest, metadataOf } from '../request-heads.ts';
import { decodeHeaders } from './header-block.ts';

export interface ServedHead {
  readonly isGrpc: boolean;
  readonly path: string;
  readonly metadata: RpcMetadata;
  readonly deadlineMs: number | undefined;
}

/** Of one connection: past so many all are forgotten. Tokens change with the minute, deadlines with the call. */
const keptMax = 64;
const keptBytesMax = 2_048;

export class ServedHeads {
  readonly #kept = new Map<string, ServedHead>();

  /** Throws `FrameError`. */
  of(block: Buffer): ServedHead {
    if (block.length > keptBytesMax) return headOf(block);
    const key = block.toString('latin1');
    const known = this.#kept.get(key);
    if (known !== undefined) return known;
    const head = headOf(block);
    if (this.#kept.size >= keptMax) this.#kept.clear();
    this.#kept.set(key, head);
    return head;
  }
}

function headOf(block: Buffer): ServedHead {
  const headers = decodeHeaders(block);
  return {
    isGrpc: isGrpcRequest(headers),
    path: headers[':path'] ?? '',
    metadata: metadataOf(headers),
    deadlineMs: deadlineMsOf(headers),
  };
}
