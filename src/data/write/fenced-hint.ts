/**
 * A hinted write that only the holder of a lease may make: its point batch behind what it has to show to its owner. One that
 * waited while another node got the lease is refused when it is brought, as it would have been at once.
 *
 * Layout, little-endian: u32 magic "VFB1", u32 rows of the batch (where a batch has them too), u64 token, u32 bytes of the
 * lease's name, u32 zero; the name, padded to 8 bytes; the batch.
 */
import { DbError } from '../../base/errors.ts';
import { paddedTo8 } from '../../models/batch-reader.ts';
import { rowCountOf } from '../../models/point-batch.ts';
import type { LeaseFence, ShardBatch } from '../engine/shard-access.ts';

const magic = 0x31424656;
const headerBytes = 24;

/** What is kept of a batch. */
export function hintOf({ payload, fence }: ShardBatch): Uint8Array {
  if (fence === undefined) return payload;
  const name = new TextEncoder().encode(fence.lease);
  const at = headerBytes + paddedTo8(name.length);
  const hint = new Uint8Array(at + payload.length);
  const view = new DataView(hint.buffer);
  view.setUint32(0, magic, true);
  view.setUint32(4, rowCountOf(payload), true);
  view.setBigUint64(8, BigInt(fence.token), true);
  view.setUint32(16, name.length, true);
  hint.set(name, headerBytes);
  hint.set(payload, at);
  return hint;
}

/** The batch of a hint, and what it has to show. Throws `corrupt` for lengths that do not add up. */
export function batchOfHint(hint: Uint8Array): {
  readonly payload: Uint8Array;
  readonly fence?: LeaseFence;
} {
  const view = new DataView(hint.buffer, hint.byteOffset, hint.length);
  if (hint.length < headerBytes || view.getUint32(0, true) !== magic) return { payload: hint };
  const nameBytes = view.getUint32(16, true);
  if (nameBytes > hint.length - headerBytes)
    throw new DbError('corrupt', 'a hint of a lease: lengths do not add up');
  const lease = new TextDecoder().decode(hint.subarray(headerBytes, headerBytes + nameBytes));
  const token = Number(view.getBigUint64(8, true));
  const payload = hint.subarray(headerBytes + paddedTo8(nameBytes));
  return { payload, fence: { lease, token } };
}
