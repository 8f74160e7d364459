/**
 * A delete of points of one shard that waits in hinted handoff for an owner that was away. Its stamp orders it among the writes
 * there, so it does not matter what waits before and behind it.
 *
 * Layout, little-endian: u32 magic "VDL1", u32 0 (its rows, where a batch has them); the request as calls carry it.
 */
import type { DeletePointsRequest } from '../engine/shard-access.ts';
import { deletePointsMessage } from '../shards/shard-methods.ts';

const magic = 0x314c4456;
const headerBytes = 8;

export function hintOfDelete(request: DeletePointsRequest): Uint8Array {
  const body = deletePointsMessage.encode(request);
  const hint = new Uint8Array(headerBytes + body.length);
  new DataView(hint.buffer).setUint32(0, magic, true);
  hint.set(body, headerBytes);
  return hint;
}

/** Undefined for a hint of a write. Throws `invalid_argument` for bytes that are none. */
export function deleteOfHint(hint: Uint8Array): DeletePointsRequest | undefined {
  const view = new DataView(hint.buffer, hint.byteOffset, hint.length);
  if (hint.length < headerBytes || view.getUint32(0, true) !== magic) return undefined;
  return deletePointsMessage.decode(hint.subarray(headerBytes));
}
