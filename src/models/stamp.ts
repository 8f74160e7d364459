/**
 * When a write was taken, and by whom: what orders two writes of one point on every owner, whichever arrives first
 * (decision 0014). A number of i64 nanoseconds of a hybrid logical clock above u32 of the coordinator's node id, so that
 * two stamps compare as numbers and no two batches have the same.
 */
export type Stamp = bigint;

/** Of batches of before there were stamps: older than any. */
export const noStamp: Stamp = 0n;

/** Inclusive. */
export interface StampRange {
  readonly least: Stamp;
  readonly greatest: Stamp;
}

const nodeBits = 32n;
const nodeMask = (1n << nodeBits) - 1n;
/** Where the header of a point batch has it: i64 ns, u32 node, u32 zero. */
const stampOffset = 32;

export function makeStamp(ns: bigint, nodeId: number): Stamp {
  return (ns << nodeBits) | (BigInt(nodeId) & nodeMask);
}

/** The one so many nanoseconds later. */
export function laterBy(stamp: Stamp, ns: number): Stamp {
  return stamp + (BigInt(ns) << nodeBits);
}

/** Nanoseconds of the coordinator's clock. */
export function stampNs(stamp: Stamp): bigint {
  return stamp >> nodeBits;
}

export function stampNode(stamp: Stamp): number {
  return Number(stamp & nodeMask);
}

/** The stamp of a point batch; `noStamp` of what is too short to be one. */
export function stampOfBatch(payload: Uint8Array): Stamp {
  if (payload.length < stampOffset + 12) return noStamp;
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
  return makeStamp(view.getBigInt64(stampOffset, true), view.getUint32(stampOffset + 8, true));
}

/** Puts its stamp into a point batch that nobody has seen yet. */
export function stampBatch(payload: Uint8Array, stamp: Stamp): void {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
  view.setBigInt64(stampOffset, stampNs(stamp), true);
  view.setUint32(stampOffset + 8, stampNode(stamp), true);
}

export function latestOf(stamps: readonly Stamp[]): Stamp {
  return stamps.reduce((latest, one) => (one > latest ? one : latest), noStamp);
}

/** The range of all; undefined of none. */
export function rangeOfAll(ranges: Iterable<StampRange | undefined>): StampRange | undefined {
  let all: StampRange | undefined;
  for (const one of ranges) {
    if (one === undefined) continue;
    all =
      all === undefined
        ? one
        : {
            least: one.least < all.least ? one.least : all.least,
            greatest: one.greatest > all.greatest ? one.greatest : all.greatest,
          };
  }
  return all;
}
