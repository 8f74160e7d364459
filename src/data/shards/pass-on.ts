import { KiB } from '../../base/units.ts';
import type { ShardBatch } from '../engine/shard-access.ts';

/** A batch that is here, and who else is to have it. */
export interface PassedOn {
  readonly batch: ShardBatch;
  readonly owners: readonly number[];
  /** Called once nothing of it is looked at any more. */
  readonly whenOver?: () => void;
}

/** Brings a batch to these owners; resolves once it is there, in hinted handoff, or given up, which is logged. Never rejects. */
export type PassOn = (batch: ShardBatch, owners: readonly number[]) => Promise<void>;

/** As much of hints goes with one request: a fresh write of the shard waits behind no more than that. */
const groupBytesMax = 512 * KiB;
const groupCountMax = 128;

/** One group behind the other, each in its order; stops between two of them once `isOver`. */
export async function passOnAll(
  all: readonly PassedOn[],
  { passOn, isOver }: { readonly passOn: PassOn; readonly isOver: () => boolean },
): Promise<void> {
  for (let at = 0; at < all.length && !isOver();) {
    const group: PassedOn[] = [];
    let bytes = 0;
    for (; at < all.length && group.length < groupCountMax; at++) {
      const one = all[at];
      if (one === undefined) break;
      bytes += one.batch.payload.length;
      if (group.length > 0 && bytes > groupBytesMax) break;
      group.push(one);
    }
    await Promise.all(
      group.map(async ({ batch, owners, whenOver }) => {
        await passOn(batch, owners);
        whenOver?.();
      }),
    );
  }
}
