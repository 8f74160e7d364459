/**
 * When a write was taken, and by whom: what orders two writes of one point on every owner, whichever arrives first
 * (decision 0014). A number of i64 nanoseconds of a hybrid logical clock, above u32 of the coordinator's node id, above u32
 * that the coordinator has drawn when it started. So two stamps compare as numbers, and no two batches have the same, also
 * when a node's clock goes back between two runs of it: who takes two writes for one loses one of them.
 */
export type Stamp = bigint;

/** Of batches of before there were stamps: older than any. */
export const noStamp: Stamp = 0n;

/** Inclusive. */
export interface StampRange {
  readonly least: Stamp;
  readonly greatest: Stamp;
}

const originBits = 64n;
const originMask = (1n << originBits) - 1n;
/** No clock draws a run that has it. */
const ofNoClock = 1n << 31n;
/** No node has an id that has it. */
const ofBrought = 1n << 63n;
/** Where the header of a point batch has it: i64 ns, u32 run, u32 node. */
const stampOffset = 32;
const stampBytes = 16;

/** The number of a run, of one that was drawn. */
export function runOf(drawn: number): number {
  return drawn >>> 1;
}

export function makeStamp(ns: bigint, nodeId: number, run = 0): Stamp {
  return stampOf(ns, (BigInt(nodeId) << 32n) | BigInt(run));
}

/** From what stampNs() and stampOrigin() gave. */
export function stampOf(ns: bigint, origin: bigint): Stamp {
  return (ns << originBits) | origin;
}

/** The one so many nanoseconds later. */
export function laterBy(stamp: Stamp, ns: number): Stamp {
  return stamp + (BigInt(ns) << originBits);
}

/** Nanoseconds of the coordinator's clock. */
export function stampNs(stamp: Stamp): bigint {
  return stamp >> originBits;
}

/** Node and run, as u64. */
export function stampOrigin(stamp: Stamp): bigint {
  return stamp & originMask;
}

/**
 * What a Map or a Set is to be keyed by: V8 takes the lowest 64 bits of a number for its hash, and those of a stamp are its
 * origin, the same for all of one coordinator. A table keyed by stamps is a list that is walked. A batch that is brought again has its key of before.
 */
export function stampKey(stamp: Stamp): bigint {
  return ((stampOrigin(stamp) & ~ofBrought) << originBits) + stampNs(stamp);
}

/** Whether a clock has given it, and not what it had to overtake (`stampBehind`). */
export function isOfClock(stamp: Stamp): boolean {
  return (stamp & ofNoClock) === 0n;
}

/** Whether its batch is brought again in the place of a node that died: as a rule its owners have had it (decision 126). */
export function isBrought(stamp: Stamp): boolean {
  return (stamp & ofBrought) !== 0n;
}

/** As it was given first. */
export function asFirstBrought(stamp: Stamp): Stamp {
  return stamp & ~ofBrought;
}

/** Notes that in a point batch; one without a stamp stays as it is. */
export function markBrought(payload: Uint8Array): void {
  const stamp = stampOfBatch(payload);
  if (stamp !== noStamp) stampBatch(payload, stamp | ofBrought);
}

/** The stamp of a point batch; `noStamp` of what is too short to be one. */
export function stampOfBatch(payload: Uint8Array): Stamp {
  if (payload.length < stampOffset + stampBytes) return noStamp;
  return stampWithin(payload.subarray(stampOffset));
}

/** Of the bytes that a batch has it in. */
export function stampWithin(bytes: Uint8Array): Stamp {
  const view = new DataView(bytes.buffer, bytes.byteOffset, stampBytes);
  return stampOf(view.getBigInt64(0, true), view.getBigUint64(8, true));
}

/** Puts its stamp into a point batch that nobody has seen yet. */
export function stampBatch(payload: Uint8Array, stamp: Stamp): void {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
  view.setBigInt64(stampOffset, stampNs(stamp), true);
  view.setBigUint64(stampOffset + 8, stampOrigin(stamp), true);
}

/**
 * The one behind `newer` for what was stamped with `stamp`: of its coordinator, but of no clock, as other stamps of a run stand in
 * the order in which they were asked for.
 */
export function stampBehind(newer: Stamp, stamp: Stamp): Stamp {
  return stampOf(stampNs(newer) + 1n, stampOrigin(stamp) | ofNoClock);
}

/**
 * The least behind `over` for what a node puts over a value of that stamp by itself: other nodes put other values over what has the same, and each
 * may be brought to the others, so it is of this node, and of what it holds (`content`: u32).
 */
export function stampOver(over: Stamp, nodeId: number, content: number): Stamp {
  return makeStamp(stampNs(over) + 1n, nodeId, runOf(content)) | ofNoClock;
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
